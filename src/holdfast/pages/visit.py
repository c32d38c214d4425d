"""One request of a visitor and the answer to it: what every page's handler is given."""

from __future__ import annotations

import urllib.parse
from typing import TYPE_CHECKING

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from holdfast.model.errors import Unavailable
from holdfast.pages.texts import LANGUAGES
from holdfast.pages.words import Form, Level, Notice, Session, Wrong

if TYPE_CHECKING:
    from holdfast.pages.site import Site

LANGUAGE_COOKIE = "hf-language"
_YEAR_S = 365 * 86_400
_encode = msgspec.msgpack.encode
_decode_session = msgspec.msgpack.Decoder(Session).decode
_decode_notice = msgspec.msgpack.Decoder(Notice).decode


class Visit:
    """``peer``: the visitor's address. ``path``: as asked for; ``parts``: the route's ``{names}``.

    ``form``: empty but for POST. ``body``: of a POST that is no form.
    """

    def __init__(self, site: Site, request: Request) -> None:
        self.site = site
        self.request = request
        self.world = site.world
        self.peer = request.client.host if request.client else ""
        self.path = request.url.path
        self.method = "GET" if request.method == "HEAD" else request.method  # no page tells them apart
        self.parts: dict[str, str] = request.path_params
        self.query = request.query_params
        self.secure = request.url.scheme == "https"
        self.form = Form()
        self.body = b""
        self.status = 200
        self.language = self._language()
        self._session_known = False
        self._session: Session | None = None
        # Name → value and life in seconds; 0: until the browser ends.
        self._cookies: dict[str, tuple[str, int]] = {}

    # Who visits

    @property
    def session(self) -> Session | None:
        """Who is signed in: the cookie is whole, not too old, and nobody has ended it.

        Raises ``Unavailable("people")`` while it can't be said whether the account stands.
        """
        if not self._session_known:
            self._session = self._read_session()
            self._session_known = True
        return self._session

    @property
    def shown_session(self) -> Session | None:
        """For the frame of a page: None also while nothing can be said."""
        try:
            return self.session
        except Unavailable:
            return None

    def sign_in(self, account: int, level: Level, *, began_at: float | None = None) -> Session:
        """A session of its own for each sign-in and each step of it (PAGES-3): none is ever taken over."""
        now = self.world.clock.now() if began_at is None else began_at
        session = Session(account, now, level, self.world.entropy.token())
        self.set_cookie("session", self.site.seal.seal(self._purpose("session"), _encode(session)))
        self.set_cookie("form", self.world.entropy.token())
        self._session, self._session_known = session, True
        return session

    def sign_out(self) -> None:
        """Ends this session, here and in every copy of its cookie."""
        if self.session is not None:
            self.site.ended(self.session)
        self.drop_cookie("session")
        self.set_cookie("form", self.world.entropy.token())
        self._session, self._session_known = None, True

    def _read_session(self) -> Session | None:
        session = self._sealed_session()
        return session if session is not None and self.site.holds(session) else None

    def _sealed_session(self) -> Session | None:
        """What the cookie says, ended or not."""
        sealed = self.site.seal.open(self._purpose("session"), self.cookie("session"))
        try:
            return _decode_session(sealed) if sealed is not None else None
        except msgspec.MsgspecError:
            return None

    # Cookies: bare names; on the wire they are the function's own and, with TLS, ``__Host-`` (RFC 6265bis)

    def cookie(self, name: str) -> str:
        if name in self._cookies:
            return self._cookies[name][0]
        return self.request.cookies.get(self._cookie_name(name), "")

    def set_cookie(self, name: str, value: str, life_s: int = 0) -> None:
        self._cookies[name] = value, life_s

    def drop_cookie(self, name: str) -> None:
        self._cookies[name] = "", -1

    def _cookie_name(self, name: str) -> str:
        if name == LANGUAGE_COOKIE:
            return name
        bare = f"hf-{self.site.function}-{name}"
        return f"__Host-{bare}" if self.secure else bare

    def put_cookies(self, response: Response) -> None:
        """PAGES-2: out of reach of scripts and of other sites' forms; over TLS alone where there is TLS."""
        for name, (value, life_s) in self._cookies.items():
            response.set_cookie(
                self._cookie_name(name),
                value,
                max_age=None if life_s == 0 else max(0, life_s),
                path="/",
                secure=self.secure,
                httponly=True,
                samesite="lax",
            )

    def _purpose(self, name: str) -> str:
        return f"{self.site.function} {name}"

    # Forms

    @property
    def csrf(self) -> str:
        """The token that this visitor's forms carry: bound to a cookie and to the session."""
        cookie = self.cookie("form")
        if not cookie:
            cookie = self.world.entropy.token()
            self.set_cookie("form", cookie)
        session = self._sealed_session()  # whether it still stands is the page's to say, not the form's
        return self.site.seal.mark(self._purpose("form"), cookie, session.id if session else "")

    def seal(self, purpose: str, content: bytes) -> str:
        """A token for a hidden field or a link; ``open`` gives back what was sealed, or None."""
        return self.site.seal.seal(self._purpose(purpose), content)

    def open(self, purpose: str, token: str) -> bytes | None:
        return self.site.seal.open(self._purpose(purpose), token)

    # Answers

    def say(self, key: str, **values: object) -> str:
        return self.site.texts.say(self.language, key, **values)

    def show(self, template: str, status: int = 200, **values: object) -> Response:
        """A page. ``wrong``: what was typed wrongly, shown above the form and at its field."""
        wrong = values.setdefault("wrong", None)
        if wrong is not None and status == 200:
            status = 422
        return HTMLResponse(self.site.render(self, template, values), status)

    def go(self, path: str, status: int = 303) -> Response:
        """To another page of ours; anything else leads to the first page (PAGES-5)."""
        return RedirectResponse(local_path(path), status)

    def notice(self, key: str, tone: str = "good", **values: str | int | float) -> None:
        """Shown once, on the next page."""
        notice = Notice(key, dict(values), tone)
        self.set_cookie("notice", self.seal("notice", _encode(notice)), 300)

    def take_notice(self) -> Notice | None:
        token = self.cookie("notice")
        if not token:
            return None
        self.drop_cookie("notice")
        sealed = self.open("notice", token)
        try:
            return _decode_notice(sealed) if sealed is not None else None
        except msgspec.MsgspecError:
            return None

    def say_wrong(self, wrong: Wrong) -> str:
        return self.say(wrong.key, **wrong.values)

    # Language

    def speak(self, language: str) -> None:
        """From now on, in this browser."""
        if language in LANGUAGES:
            self.language = language
            self.set_cookie(LANGUAGE_COOKIE, language, _YEAR_S)

    def _language(self) -> str:
        for wish in (self.request.cookies.get(LANGUAGE_COOKIE), self.query.get("lang")):
            if wish in LANGUAGES:
                return str(wish)
        return accepted_language(self.request.headers.get("accept-language", "")) or self.site.language

    @property
    def here(self) -> str:
        """This page's path with its query, for a way back to it."""
        query = self.request.url.query
        return f"{self.path}?{query}" if query else self.path


def accepted_language(header: str) -> str:
    """The best of ours by RFC 9110 §12.5.4; '' if none is wanted."""
    wishes: list[tuple[float, str]] = []
    for part in header[:500].split(","):
        name, _, quality = part.strip().partition(";")
        try:
            weight = float(quality.strip().removeprefix("q=")) if quality else 1.0
        except ValueError:
            continue
        wishes.append((weight, name.strip().lower().partition("-")[0]))
    for weight, name in sorted(wishes, key=lambda wish: -wish[0]):
        if weight > 0 and name in LANGUAGES:
            return name
    return ""


def local_path(text: str) -> str:
    """``text`` if it is a path on this site; else ``/``. Nobody is sent elsewhere by a link of ours."""
    if not text.startswith("/") or text.startswith("//") or "\\" in text or not text.isprintable():
        return "/"
    parts = urllib.parse.urlsplit(text)
    return "/" if parts.scheme or parts.netloc else text
