"""What holds for every page, whoever asks: over real HTTP, where a browser would be in the way."""

from __future__ import annotations

import json
import re
import socket
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.model.limits import WEB_FORM_BYTES, WEB_HEAD_BYTES
from holdfast.run import certificate
from holdfast.world.tls import server_context
from web.small_site import PASSWORD, SmallSite
from web.visitor import Visitor

pytestmark = pytest.mark.slow
ANNA = "anna@example.org"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallSite]:
    made = SmallSite(tmp_path_factory.mktemp("small"))
    yield made
    made.close()


@pytest.fixture
def visitor(small: SmallSite) -> Visitor:
    return Visitor(small.url)


@pytest.fixture
def anna(small: SmallSite) -> Visitor:
    """Signed in."""
    made = Visitor(small.url)
    assert made.sign_in(ANNA, PASSWORD).status_code == 303
    return made


def events(small: SmallSite, name: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in small.journal_path.read_text().splitlines()]
    return [each for each in lines if each["event"] == name]


# Answers


def test_pages_1_no_page_can_be_framed_kept_or_made_to_send_elsewhere(anna: Visitor):
    for path in ("/", "/sign-in", "/nowhere", "/name"):
        headers = anna.get(path).headers
        policy = headers["content-security-policy"]
        for rule in ("default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"):
            assert rule in policy
        assert "unsafe" not in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


def test_a_style_sheet_is_named_by_its_content_and_kept_for_ever(visitor: Visitor):
    (path,) = {part for part in visitor.get("/sign-in").text.split('"') if part.endswith(".css")}
    sheet = visitor.get(path)
    assert "immutable" in sheet.headers["cache-control"]
    assert sheet.headers["content-type"].startswith("text/css")
    assert len(sheet.content) < 20_000
    assert visitor.get(path.replace("site.", "site.0")).status_code == 404


def test_what_is_not_there_is_404_and_what_is_not_possible_405_in_the_visitors_language(visitor: Visitor):
    missing = visitor.get("/nowhere", **{"accept-language": "de-AT,de;q=0.9,en;q=0.5"})
    assert missing.status_code == 404 and "Diese Seite gibt es nicht" in missing.text
    wrong = visitor.client.put("/name")
    assert wrong.status_code == 405 and wrong.headers["allow"] and "isn’t possible here" in wrong.text
    assert visitor.client.request("PROPFIND", "/").status_code == 405


def test_pages_7_a_head_is_a_look_and_changes_nothing(small: SmallSite, anna: Visitor):
    before = list(small.names)
    assert anna.client.head("/name").status_code == 200
    assert small.names == before


def test_head_answers_as_get_does_without_the_page(visitor: Visitor):
    got, head = visitor.get("/sign-in"), visitor.client.head("/sign-in")
    assert head.status_code == 200 and head.content == b""
    assert head.headers["content-length"] == got.headers["content-length"]


def test_pages_10_an_error_of_ours_shows_a_reference_and_nothing_else(small: SmallSite, visitor: Visitor):
    answer = visitor.get("/broken")
    assert answer.status_code == 500
    (event,) = events(small, "page_failed")
    assert str(event["reference"]) in answer.text
    assert "secret within" in str(event["error"]) and "RuntimeError" in str(event["where"])
    assert "secret" not in answer.text and "Traceback" not in answer.text


def test_a_page_lives_without_asking_anybody(visitor: Visitor):
    assert visitor.get("/healthz/live").text == "alive\n"


# Languages


def test_the_language_chosen_goes_before_the_link_and_the_link_before_the_browser(visitor: Visitor):
    german = {"accept-language": "de"}
    assert 'lang="de"' in visitor.get("/sign-in", **german).text
    assert 'lang="en"' in visitor.get("/sign-in?lang=en", **german).text
    answer = visitor.get("/language/de?next=/sign-in")
    assert answer.status_code == 303 and answer.headers["location"] == "/sign-in"
    assert 'lang="de"' in visitor.get("/sign-in?lang=en").text
    assert 'lang="de"' in visitor.get("/sign-in").text


# Sessions and cookies


def test_pages_3_a_sign_in_takes_no_session_over_and_gives_a_form_a_new_token(
    small: SmallSite, visitor: Visitor
):
    before = visitor.hidden("/sign-in")["csrf"]
    visitor.client.cookies.set("hf-small-session", "planted", domain="localhost.local", path="/")
    assert visitor.sign_in(ANNA, PASSWORD).status_code == 303
    first = visitor.client.cookies["hf-small-session"]
    assert first != "planted"
    assert visitor.hidden("/name")["csrf"] != before
    other = Visitor(small.url)
    other.sign_in(ANNA, PASSWORD)
    assert other.client.cookies["hf-small-session"] != first


def test_pages_2_cookies_are_out_of_reach_of_scripts_and_other_sites(visitor: Visitor):
    answer = visitor.sign_in(ANNA, PASSWORD)
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) >= 2
    for cookie in cookies:
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie
        assert "Domain" not in cookie


def test_pages_4_a_session_ends_with_signing_out_even_if_its_cookie_was_kept(anna: Visitor):
    kept = anna.client.cookies["hf-small-session"]
    assert anna.get("/").status_code == 200
    assert anna.post("/sign-out", at="/name").status_code == 303
    assert anna.get("/").headers["location"].startswith("/sign-in")
    anna.client.cookies.set("hf-small-session", kept, domain="localhost.local", path="/")
    assert anna.get("/").headers["location"].startswith("/sign-in")


def test_portal_2_a_session_ends_when_the_account_signs_out_everywhere_or_is_disabled(small: SmallSite):
    made = small.call(small.writer.account_add("leaving@example.org", password=PASSWORD))
    for ends in (small.writer.sign_out(made.id), small.writer.account_set(made.id, state="disabled")):
        leaving = Visitor(small.url)
        leaving.sign_in(made.login, PASSWORD)
        assert leaving.get("/").status_code == 200
        small.call(ends)
        small.call(small.people.settled(2.0))
        assert leaving.get("/").headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("change", ["shorter", "other", "of another purpose"])
def test_pages_4_a_session_that_was_tampered_with_is_none(small: SmallSite, anna: Visitor, change: str):
    whole = anna.client.cookies["hf-small-session"]
    forged = {
        "shorter": whole[:-4],
        "other": ("A" if whole[20] != "A" else "B").join((whole[:20], whole[21:])),
        "of another purpose": small.site.seal.seal(
            "small notice", b"\x94\x01\xcb" + bytes(8) + b"\xa4full\xa1x"
        ),
    }[change]
    anna.client.cookies.clear()
    anna.client.cookies.set("hf-small-session", forged, domain="localhost.local", path="/")
    assert anna.get("/").headers["location"].startswith("/sign-in")


# Forms


def test_pages_7_a_form_without_its_token_changes_nothing(small: SmallSite, anna: Visitor):
    token = anna.hidden("/name")["csrf"]
    for wrong in (
        {},
        {"csrf": ""},
        {"csrf": token[:-1]},
        {"csrf": Visitor(small.url).hidden("/sign-in")["csrf"]},
    ):
        answer = anna.client.post("/name", data={"name": "forged", **wrong})
        assert answer.status_code == 403 and "Please send that again" in answer.text
    assert "forged" not in small.names
    assert anna.client.post("/name", data={"name": "right", "csrf": token}).status_code == 303
    assert "right" in small.names


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_pages_7_a_form_from_another_site_changes_nothing_even_with_the_token(
    small: SmallSite, anna: Visitor, headers: dict[str, str]
):
    assert anna.post("/name", name="from elsewhere", headers=headers).status_code == 403
    assert "from elsewhere" not in small.names


def test_pages_7_the_sign_in_itself_has_a_token(visitor: Visitor):
    answer = visitor.client.post("/sign-in", data={"name": ANNA, "password": PASSWORD})
    assert answer.status_code == 403 and "session" not in visitor.cookies()


@pytest.mark.parametrize(
    "wish",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example",
     "/%0d%0aSet-Cookie:x=y", "\\\\evil.example", "evil"],
)  # fmt: skip
def test_pages_5_no_link_leads_from_here_to_another_site(small: SmallSite, wish: str):
    visitor = Visitor(small.url)
    answer = visitor.post("/sign-in", name=ANNA, password=PASSWORD, next=wish)
    location = answer.headers["location"]
    assert location == "/" or location.startswith("/%0d%0a")  # a path, and nothing in it is a header
    assert "x" not in answer.cookies
    spoken = visitor.client.get("/language/en", params={"next": wish}).headers["location"]
    assert spoken.startswith("/") and not spoken.startswith(("//", "/\\"))


def test_pages_8_what_is_too_much_is_refused_before_it_is_read(small: SmallSite, anna: Visitor):
    token = anna.hidden("/name")["csrf"]
    large = anna.client.post("/name", data={"csrf": token, "about": "x" * WEB_FORM_BYTES})
    assert large.status_code == 413
    many = {f"f{number}": "x" for number in range(600)}
    assert anna.client.post("/name", data={"csrf": token, **many}).status_code == 422
    with raw(small) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * (WEB_HEAD_BYTES + 1))
        assert link.recv(100).startswith(b"HTTP/1.1 400")


def test_pages_8_a_form_that_does_not_come_to_its_end_is_not_waited_for(
    small: SmallSite, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("holdfast.pages.forms.WEB_BODY_S", 0.2)
    kind = b"Content-Type: application/x-www-form-urlencoded\r\n"
    with raw(small) as link:
        link.sendall(
            b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\n" + kind + b"Content-Length: 9\r\n\r\nname="
        )
        assert link.recv(100).startswith(b"HTTP/1.1 422")


def test_bytes_that_are_no_http_end_the_connection(small: SmallSite):
    for nonsense in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"):
        with raw(small) as link:
            link.sendall(nonsense)
            assert link.recv(100)[:12] in (b"HTTP/1.1 400", b"")


def raw(small: SmallSite) -> socket.socket:
    return socket.create_connection(("127.0.0.1", small.port), timeout=5)


def test_a_form_with_a_mistake_names_its_field_and_keeps_what_was_typed(anna: Visitor):
    answer = anna.post("/name", name="<b")
    assert answer.status_code == 422
    assert 'href="#name"' in answer.text and 'aria-invalid="true"' in answer.text
    assert 'value="&lt;b"' in answer.text and "<b" not in answer.text.replace("<button", "").replace(
        "<body", ""
    )


def test_a_notice_is_shown_once(anna: Visitor):
    anna.post("/name", name="Annabel")
    assert "You are Annabel from now on." in anna.get("/").text
    assert "Annabel" not in anna.get("/").text


# Signing in


def test_a_page_that_matters_asks_again_when_the_sign_in_is_a_while_ago(small: SmallSite, anna: Visitor):
    assert anna.get("/grave").status_code == 200
    visit_at = small.world.clock.now() - 1000
    token = small.site.seal.seal("small session", _session(small.anna.id, visit_at))
    anna.client.cookies.clear()
    anna.client.cookies.set("hf-small-session", token, domain="localhost.local", path="/")
    assert anna.get("/").status_code == 200
    asked = anna.get("/grave")
    assert asked.headers["location"] == "/sign-in?next=%2Fgrave&again=1"
    page = anna.get(asked.headers["location"]).text
    assert "Please confirm that it is you" in page and f'value="{ANNA}"' in page
    answer = anna.post(asked.headers["location"], name=ANNA, password=PASSWORD, next="/grave")
    assert answer.headers["location"] == "/grave" and anna.get("/grave").status_code == 200


def _session(account: int, began_at: float) -> bytes:
    import msgspec

    from holdfast.pages import Session

    return msgspec.msgpack.encode(Session(account, began_at, "full", "of a test"))


@pytest.mark.timed
def test_portal_3_a_name_nobody_has_and_a_wrong_password_look_alike_and_take_as_long(tmp_path: Path):
    small = SmallSite(tmp_path)
    try:
        took: dict[str, list[float]] = {"anna": [], "nobody": []}
        texts = set()
        for number in range(6):
            for name in took:
                visitor = Visitor(small.url)
                token = visitor.hidden("/sign-in")["csrf"]
                begun = time.perf_counter()
                answer = visitor.client.post(
                    "/sign-in",
                    data={"csrf": token, "name": f"{name}@example.org", "password": f"wrong {number}"},
                )
                took[name].append(time.perf_counter() - begun)
                assert answer.status_code == 422
                texts.add(_without_tokens(answer.text).replace(f"{name}@", "anna@"))
        assert len(texts) == 1
        anna, nobody = statistics.median(took["anna"]), statistics.median(took["nobody"])
        assert 0.5 < anna / nobody < 2.0, (anna, nobody)
    finally:
        small.close()


def _without_tokens(page: str) -> str:
    return re.sub(r'(name="(csrf|state)" value|data-options)="[^"]*"', "", page)


def test_portal_4_who_guesses_locks_out_neither_the_owner_elsewhere_nor_his_known_browser(tmp_path: Path):
    small = SmallSite(tmp_path, trusted_proxies=["127.0.0.1"])
    try:

        def from_network(address: str) -> Visitor:
            return Visitor(small.url, **{"x-forwarded-for": address})

        known = from_network("192.0.2.7")
        assert known.sign_in(ANNA, PASSWORD).status_code == 303
        guesser, statuses = from_network("192.0.2.66"), []
        for number in range(60):
            statuses.append(guesser.sign_in(f"someone{number}@example.org", "guess").status_code)
            if statuses[-1] == 429:
                break
        assert statuses[-1] == 429 and set(statuses[:-1]) == {422}
        assert int(guesser.sign_in(ANNA, "guess").headers["retry-after"]) > 0
        known.post("/sign-out", at="/name")
        assert known.sign_in(ANNA, PASSWORD).status_code == 303
        assert from_network("198.51.100.1").sign_in(ANNA, PASSWORD).status_code == 303
    finally:
        small.close()


def test_portal_4_a_name_guessed_at_from_everywhere_is_answered_more_slowly_and_never_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("holdfast.portal.portal.NAME_BURST", 3)
    monkeypatch.setattr("holdfast.portal.portal.SLOW_S", 0.5)
    small = SmallSite(tmp_path, trusted_proxies=["127.0.0.1"])
    try:
        for number in range(3):
            guesser = Visitor(small.url, **{"x-forwarded-for": f"198.51.{number}.1"})
            assert guesser.sign_in(ANNA, f"guess {number}").status_code == 422
        begun = time.monotonic()
        owner = Visitor(small.url, **{"x-forwarded-for": "203.0.113.1"})
        assert owner.sign_in(ANNA, PASSWORD).status_code == 303
        assert time.monotonic() - begun >= 0.5
    finally:
        small.close()


# TLS and proxies


@pytest.fixture(scope="module")
def in_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallSite]:
    folder = tmp_path_factory.mktemp("tls")
    certificate.make(str(folder / "c.pem"), str(folder / "k.pem"), ["localhost"], time.time())
    made = SmallSite(folder, tls=server_context(str(folder / "c.pem"), str(folder / "k.pem")), secure=True)
    yield made
    made.close()


def test_pages_2_in_tls_a_cookie_belongs_to_this_host_and_never_leaves_tls(in_tls: SmallSite):
    visitor = Visitor(in_tls.url)
    answer = visitor.sign_in(ANNA, PASSWORD)
    assert answer.status_code == 303
    assert "max-age" in answer.headers["strict-transport-security"]
    for cookie in answer.headers.get_list("set-cookie"):
        assert cookie.startswith("__Host-hf-small-") and "Secure" in cookie
    # What was planted by a connection without TLS has another name, and is not looked at.
    bare = Visitor(in_tls.url)
    session = visitor.client.cookies["__Host-hf-small-session"]
    bare.client.cookies.set("hf-small-session", session, domain="localhost.local", path="/")
    assert bare.get("/").headers["location"].startswith("/sign-in")


def test_pages_1_without_tls_nothing_is_asked_and_nothing_taken(tmp_path: Path):
    small = SmallSite(
        tmp_path, secure=True, url="https://pages.example.org:8443", trusted_proxies=["127.0.0.1"]
    )
    try:
        plain = Visitor(small.url)
        answer = plain.get("/sign-in?next=/name")
        assert answer.status_code == 307
        assert answer.headers["location"] == "https://pages.example.org:8443/sign-in?next=/name"
        assert plain.client.post("/sign-in", data={"name": ANNA}).status_code == 403
        # A proxy of ours that speaks TLS with the visitor says so, and is believed.
        proxied = Visitor(small.url, **{"x-forwarded-proto": "https", "x-forwarded-for": "192.0.2.7"})
        assert proxied.get("/sign-in").status_code == 200
        assert "__Host-" in proxied.get("/sign-in").headers["set-cookie"]
    finally:
        small.close()


def test_a_stranger_who_says_he_is_a_proxy_is_not_believed(small: SmallSite):
    visitor = Visitor(small.url, **{"x-forwarded-for": "192.0.2.99", "x-forwarded-proto": "https"})
    answer = visitor.sign_in(ANNA, "wrong")
    assert "strict-transport-security" not in answer.headers
    assert events(small, "sign_in_wrong")[-1]["peer"] == "127.0.0.1"


@pytest.mark.timed
def test_a_site_that_stops_ends_what_idles_at_once_and_answers_what_it_holds(tmp_path: Path):
    small = SmallSite(tmp_path)
    idle = raw(small)
    slow = raw(small)
    slow.sendall(b"POST /name HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
    begun = time.monotonic()
    small.close()
    assert time.monotonic() - begun < 3.5
    assert ended(idle) and ended(slow)


def ended(link: socket.socket) -> bool:
    try:
        while link.recv(4096):
            pass
        return True
    except ConnectionResetError:
        return True
