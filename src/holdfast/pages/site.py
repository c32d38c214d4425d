"""A set of pages of one function: its routes, templates, texts, and what holds for all of them."""

from __future__ import annotations

import hashlib
import hmac
import re
import traceback
import urllib.parse
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from holdfast.model.errors import HASTE, Reason, Refused, Unavailable
from holdfast.model.people import Brand
from holdfast.pages import colour
from holdfast.pages.ended import Ended
from holdfast.pages.events import PAGE_FAILED, PAGE_FORGED, PAGE_SERVED, PAGE_UNAVAILABLE
from holdfast.pages.forms import read_form
from holdfast.pages.seal import Seal
from holdfast.pages.texts import LANGUAGES, Texts
from holdfast.pages.visit import Visit
from holdfast.pages.words import Banner, MenuEntry, Session, Wrong
from holdfast.world import World

OURS = Path(__file__).parent
SAFE_METHODS = ("GET", "HEAD")
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}
_BRAND_SHEET = re.compile(r"/static/brand\.([0-9a-f]{6})\.css")
_STATUS = {
    Reason.BAD_CREDENTIALS: 403,
    Reason.NOT_ALLOWED: 403,
    Reason.USER_DISABLED: 403,
    Reason.NO_SUCH_USER: 404,
    Reason.NO_SUCH_DOMAIN: 404,
    Reason.NO_SUCH_MAILBOX: 404,
    Reason.NO_SUCH_MESSAGE: 404,
    Reason.EXISTS: 409,
    Reason.MAILBOX_EXISTS: 409,
    Reason.TOO_LARGE: 413,
    Reason.LIMIT: 429,
    Reason.TOO_MANY: 429,
}

Handler = Callable[[Visit], Awaitable[Response]]


class Site:
    """``app`` is the application to serve."""

    def __init__(
        self,
        world: World,
        *,
        function: str,
        key: bytes,
        packages: Sequence[Path] = (),
        brand: Callable[[Visit], Brand] = lambda visit: Brand(),
        secure: bool = True,
        url: str = "",
        language: str = "en",
        time_zone: str = "UTC",
        session_s: float = 8 * 3600,
        ended: Ended | None = None,
    ) -> None:
        """``function``: names its cookies. ``packages``: folders with ``templates``, ``texts``, ``static``.

        ``ended``: who signed out, over restarts and in all workers; None: in this process alone.
        ``secure``: what comes without TLS is sent to ``url``, and nothing is taken from it.
        """
        self.world = world
        self.function = function
        self.seal = Seal(world, key)
        self.url = url.rstrip("/")
        self.language = language
        self.session_s = session_s
        self.menu: list[MenuEntry] = []
        self._brand = brand
        self._secure = secure
        self._banner: Callable[[Visit], Banner | None] = lambda visit: None
        self._holds: Callable[[Session], bool] = lambda session: True
        self._who: Callable[[Visit], str] = lambda visit: ""
        self._ended = ended or Ended(world, "", function)
        folders = [OURS, *(each for each in packages if each != OURS)]
        self.texts = Texts(_sub(folders, "texts"), time_zone=time_zone)
        self._templates = self._environment(_sub(reversed(folders), "templates"))
        self._files: dict[str, tuple[bytes, str]] = {}  # '/static/site.1f0c.css' → content, kind
        self._links: dict[str, str] = {}  # 'site.css' → '/static/site.1f0c.css'
        for folder in _sub(folders, "static"):
            for path in sorted(folder.iterdir()):
                self._add_file(path.name, path.read_bytes())
        self.app = Starlette(
            routes=[
                Route("/static/{name}", self._static, methods=["GET"]),
                Route("/healthz/live", _alive, methods=["GET"]),
            ],
            exception_handlers={HTTPException: self._not_there},
        )
        self.page("/language/{language}", methods=("GET",))(self._speak)

    # What a function adds

    def page(
        self, path: str, methods: Sequence[str] = ("GET", "POST"), *, files: bool = False
    ) -> Callable[[Handler], Handler]:
        """Decorates ``async def handler(visit) -> Response``. A POST comes here only with its token.

        ``files``: the form may bring some, up to ``WEB_UPLOAD_BYTES``.
        """

        def add(handler: Handler) -> Handler:
            async def endpoint(request: Request) -> Response:
                return await self._serve(handler, request, files, path)

            self.app.router.routes.append(Route(path, endpoint, methods=list(methods)))
            return handler

        return add

    def banner(self, said: Callable[[Visit], Banner | None]) -> None:
        """What stands above every page while ``said`` returns it: notices of outages."""
        self._banner = said

    def holds_sessions(self, holds: Callable[[Session], bool], who: Callable[[Visit], str]) -> None:
        """``holds``: whether a session still stands, age apart. ``who``: how its person is named."""
        self._holds = holds
        self._who = who

    # Sessions

    def holds(self, session: Session) -> bool:
        """PAGES-4: not too old, not signed out, and its account stands."""
        age = self.world.clock.now() - session.began_at
        return -60 <= age <= self.session_s and session.id not in self._ended and self._holds(session)

    def ended(self, session: Session) -> None:
        self._ended.add(session.id, session.began_at + self.session_s)

    # Serving

    async def _serve(self, handler: Handler, request: Request, files: bool, page: str) -> Response:
        visit = Visit(self, request)
        begun = self.world.clock.monotonic()
        try:
            response = self._not_in_tls(visit)
            if response is None and visit.method not in SAFE_METHODS:
                visit.form, visit.body = await read_form(request, files=files)
                response = self._forged(visit)
            if response is None:
                response = await handler(visit)
        except Wrong as wrong:
            response = self._say(visit, 422, "wrong", text=visit.say_wrong(wrong))
        except Refused as refused:
            response = self._refuse(visit, refused)
        except Unavailable as unavailable:
            response = self._unavailable(visit, unavailable)
        except HTTPException:  # there is no such thing here: ``_not_there`` says so
            raise
        except Exception as error:
            response = self._fail(visit, error)
        self.world.journal.emit(
            PAGE_SERVED,
            function=self.function,
            page=page,
            method=visit.method,
            status=response.status_code,
            seconds=self.world.clock.monotonic() - begun,
            peer=visit.peer,
        )
        visit.put_cookies(response)
        return self._guarded(response, visit.secure)

    def _not_in_tls(self, visit: Visit) -> Response | None:
        """PAGES-1: nothing is asked of a person over a connection that others can read."""
        if visit.secure or not self._secure:
            return None
        if visit.method in SAFE_METHODS and self.url:
            return RedirectResponse(self.url + visit.here, 307)
        return self._say(visit, 403, "plain")

    def _forged(self, visit: Visit) -> Response | None:
        """PAGES-7: a change is asked for by our own page, by its token and by what the browser says."""
        why = ""
        origin = visit.request.headers.get("origin")
        if origin is not None and not self._is_ours(visit, origin):
            why = "origin"
        elif visit.request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            why = "site"
        else:
            token = visit.form.exact("csrf") or visit.request.headers.get("x-csrf-token", "")
            if not visit.cookie("form") or not _same(token, visit.csrf):
                why = "token"
        if not why:
            return None
        self.world.journal.emit(
            PAGE_FORGED, function=self.function, path=visit.path, peer=visit.peer, why=why
        )
        return self._say(visit, 403, "forged")

    def _is_ours(self, visit: Visit, origin: str) -> bool:
        if self.url and origin == self.url:
            return True
        parts = urllib.parse.urlsplit(origin)
        same_scheme = parts.scheme == ("https" if visit.secure else "http")
        return same_scheme and parts.netloc == visit.request.headers.get("host", "")

    # Pages for what went otherwise

    def _refuse(self, visit: Visit, refused: Refused) -> Response:
        key = f"refused.{refused.reason.name.lower()}"
        text = refused.text if visit.language == "en" or not self.texts.has(key) else visit.say(key)
        status = _STATUS.get(refused.reason, 422)
        return self._say(visit, status, "refused", text=text[:1].upper() + text[1:])

    def _unavailable(self, visit: Visit, unavailable: Unavailable) -> Response:
        """Says what failed, what is safe and what to do; never that something is wrong with the visitor."""
        self.world.journal.emit(
            PAGE_UNAVAILABLE,
            function=self.function,
            path=visit.path,
            component=unavailable.component,
            text=unavailable.text,
            peer=visit.peer,
        )
        part = unavailable.component.partition("/")[0].partition("-")[0]
        key = f"unavailable.{part}"
        if unavailable.component == "auth/limit":
            key = "unavailable.limit"
        what = visit.say(key if self.texts.has(key) else "unavailable.other")
        hasty = unavailable.component in HASTE  # RFC 6585 §4: that is the visitor's doing
        response = self._say(
            visit,
            429 if hasty else 503,
            "hasty" if hasty else "unavailable",
            text=what,
            retry_after_s=max(1, round(unavailable.retry_after_s)),
        )
        response.headers["retry-after"] = str(max(1, round(unavailable.retry_after_s)))
        return response

    def _fail(self, visit: Visit, error: Exception) -> Response:
        """PAGES-10."""
        reference = self.world.entropy.token(8)
        self.world.journal.emit(
            PAGE_FAILED,
            function=self.function,
            path=visit.path,
            reference=reference,
            error=f"{type(error).__name__}: {error}",
            where="".join(traceback.format_exception(error)[-6:]),
        )
        return self._say(visit, 500, "failed", reference=reference)

    def _say(self, visit: Visit, status: int, kind: str, **values: object) -> Response:
        values = {"text": "", "reference": "", "retry_after_s": 0, **values}
        return visit.show("error.html", status, kind=kind, **values)

    async def _not_there(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        visit = Visit(self, request)
        kind = "method" if error.status_code == 405 else "missing"
        response = self._say(visit, error.status_code, kind)
        response.headers.update(error.headers or {})
        visit.put_cookies(response)
        return self._guarded(response, visit.secure)

    def _guarded(self, response: Response, secure: bool) -> Response:
        """What every page's answer carries (PAGES-1)."""
        headers = response.headers
        headers.setdefault("cache-control", "no-store")
        headers["content-security-policy"] = POLICY
        headers["x-content-type-options"] = "nosniff"
        headers["x-frame-options"] = "DENY"
        headers["referrer-policy"] = "same-origin"
        headers["cross-origin-opener-policy"] = "same-origin"
        headers["cross-origin-resource-policy"] = "same-origin"
        if secure:
            headers["strict-transport-security"] = "max-age=31536000"
        return response

    # Templates

    def _environment(self, folders: Sequence[Path]) -> jinja2.Environment:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folders),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.globals["languages"] = LANGUAGES
        environment.filters["digits"] = lambda phone: "".join(each for each in phone if each in "+0123456789")
        return environment

    def render(self, visit: Visit, template: str, values: dict[str, object]) -> str:
        """``t(key, …)`` says a sentence; ``date``, ``moment``, ``size``, ``duration``, ``number`` are filters
        by name of function: ``{{ size(account.used) }}``."""
        language, texts = visit.language, self.texts

        def t(key: str, **said: object) -> Markup:
            return texts.markup(language, key, **said)

        brand = self._brand(visit)
        session = visit.shown_session
        notice = visit.take_notice()
        known: dict[str, object] = {
            "t": t,
            "language": language,
            "number": lambda value: texts.number(language, value),
            "size": lambda value: texts.size(language, value),
            "date": lambda at: texts.date(language, at),
            "moment": lambda at: texts.moment(language, at),
            "clock": lambda at: texts.clock(language, at),
            "duration": lambda seconds: texts.duration(language, seconds),
            "listing": lambda items: texts.listing(language, items),
            "csrf": visit.csrf,
            "session": session,
            "who": self._who(visit) if session else "",
            "here": visit.here if visit.method in SAFE_METHODS else visit.path,
            "path": visit.path,
            "menu": self.menu,
            "static": self.link,
            "brand": brand,
            "brand_sheet": self._brand_sheet(brand),
            "logo": brand.logo if _is_picture(brand.logo) else "",
            "banner": self._banner(visit),
            "notice": notice and (notice.tone, texts.say(language, notice.key, **notice.values)),
            "visit": visit,
        }
        return self._templates.get_template(template).render(known | values)

    # Files that never change under their name

    def link(self, name: str) -> str:
        """``site.css`` → its path, which names its content and so may be kept for ever."""
        return self._links[name]

    def _add_file(self, name: str, content: bytes) -> str:
        stem, dot, ending = name.rpartition(".")
        path = f"/static/{stem}.{hashlib.sha256(content).hexdigest()[:12]}{dot}{ending}"
        self._files[path] = content, _KINDS[dot + ending]
        self._links[name] = path
        return path

    def _brand_sheet(self, brand: Brand) -> str:
        """The path of a style sheet with the brand's colour, '' for ours."""
        light = colour.readable(brand.colour)
        return "" if light == colour.OURS else f"/static/brand.{light[1:]}.css"

    async def _static(self, request: Request) -> Response:
        found = self._files.get(request.url.path)
        if found is None and (asked := _BRAND_SHEET.fullmatch(request.url.path)):
            found = colour.sheet("#" + asked[1]).encode(), _KINDS[".css"]
        if found is None:
            raise HTTPException(404)
        content, kind = found
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return self._guarded(
            Response(content, media_type=kind, headers=headers), request.url.scheme == "https"
        )

    async def _speak(self, visit: Visit) -> Response:
        visit.speak(visit.parts["language"])
        return visit.go(visit.query.get("next", "/"))


async def _alive(request: Request) -> Response:
    return Response("alive\n", media_type="text/plain", headers={"cache-control": "no-store"})


def _sub(folders: Iterable[Path], name: str) -> list[Path]:
    return [folder / name for folder in folders if (folder / name).is_dir()]


def _is_picture(logo: str) -> bool:
    kinds = ("png", "webp", "svg+xml")
    return logo.startswith(tuple(f"data:image/{kind};base64," for kind in kinds))


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
