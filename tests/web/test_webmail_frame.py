"""The webmail's message frame in a real browser: published attacks on sanitisers, with and without one.

FRAME-1, FRAME-2, FRAME-3: see web/webmail/src/frame/README.md.

``tests/frame/attacks.json`` is the list. Each is shown in the frame as it is shipped, and in one built
without its cleaner, so that what holds then is the policy and the sandbox alone.
"""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Frame, Page

from e2e.service import until
from npm import NODE

pytestmark = pytest.mark.slow

WEBMAIL = Path(__file__).parents[2] / "web" / "webmail"
HERE = WEBMAIL / "tests" / "frame"
# Without frame-src, unlike the webmail's own: nothing here may hold only thanks to the app.
APP_POLICY = "default-src 'none'; script-src 'self'; worker-src 'self'; frame-src *; connect-src 'self'"
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
KINDS = {".html": "text/html; charset=utf-8", ".js": "text/javascript"}
SHOWN_MS = 3000
NOWHERE = ("", "about:srcdoc", "about:blank", "chrome-error://chromewebdata/")
# Where images are allowed their hosts may be asked; Chromium then also allows <link rel=prefetch>.
FOR_IMAGES = ("image", "prefetch")
# Said by the frame when it is used as meant.
WORDS = {"shown", "height", "link", "key", "mailto"}


class Site:
    """A server on loopback that remembers what it was asked."""

    def __init__(self, folders: list[Path]) -> None:
        asked: list[tuple[str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.split("?")[0]
                purpose = self.headers.get("Sec-Purpose") or self.headers.get("Sec-Fetch-Dest", "")
                asked.append((path, purpose))
                file = next((each for folder in folders if (each := folder / path[1:]).is_file()), None)
                kind = KINDS.get(Path(path).suffix, "image/gif")
                body = file.read_bytes() if file else PIXEL
                self.send_response(200)
                self.send_header("Content-Type", kind)
                if path.startswith("/harness"):
                    self.send_header("Content-Security-Policy", APP_POLICY)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):  # whoever asked may have left
                    self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self.asked = asked
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.bare = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.bare}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if not (WEBMAIL / "node_modules").is_dir():
        pytest.skip("the webmail's packages aren't installed; .ci/webmail does it")
    built = tmp_path_factory.mktemp("frame")
    subprocess.run([NODE, HERE / "build.mjs", built], check=True, cwd=WEBMAIL)
    made = Site([built, HERE])
    yield made
    made.close()


@pytest.fixture
def enemy() -> Iterator[Site]:
    made = Site([])
    yield made
    made.close()


@pytest.fixture
def page(browser: Browser, app: Site) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{app.url}/harness.html")
    yield page
    context.close()


def show(page: Page, kind: str = "shipped", *, images: bool = False, **message: Any) -> dict[str, Any]:
    """What the frame says to have shown. Empty where it said nothing: an attack that breaks its own page."""
    name = f"/{kind}/{'frame-images' if images else 'frame'}.html"
    silence = f"new Promise(done => setTimeout(done, {SHOWN_MS}, {{}}))"
    call = f"([message, name]) => Promise.race([show(message, name), {silence}])"
    found: dict[str, Any] = page.evaluate(call, [{"remoteImages": images, **message}, name])
    return found


def inner(page: Page) -> Frame:
    return page.frames[2]


def holds(where: Page | Frame, expression: str) -> None:
    """Waits until it does. Playwright's own way of waiting needs eval in the page, which its CSP forbids."""
    until(lambda: where.evaluate(f"!!({expression})"))


# What a reader may do by accident: every element is pointed at, focused and clicked, but for good links.
_POKE = """() => {
  const events = ["pointerenter", "mouseover", "mouseenter", "focus", "pointerrawupdate", "scroll", "input"];
  for (const each of [...document.querySelectorAll("*")].slice(0, 300)) {
    for (const name of events) each.dispatchEvent(new Event(name, {bubbles: true}));
    if (each.closest("a[target=_blank][href^=http]")) continue;
    try { each.focus && HTMLElement.prototype.focus.call(each); } catch {}
    each.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true, composed: true}));
  }
}"""

# Elements and attributes that cleaning leaves over and must not.
_WRONG = """() => {
  const found = [];
  const bad = new Set(("script style link meta base iframe object embed form input button textarea select "
      + "svg math template").split(" "));
  const own = {target: /^_blank$/, class: /^hf-/};
  const good = {
    href: /^(https?|mailto|tel):/,
    src: /^(blob:|data:image\\/(png|jpe?g|gif|webp|avif|bmp)|https?:)/,
  };
  const style = /(^|;)\\s*(position|z-index|transform|cursor|content|filter)\\s*:|expression|@|--/i;
  for (const each of document.querySelector("main").querySelectorAll("*")) {
    const isHtml = each.namespaceURI === "http://www.w3.org/1999/xhtml";
    if (!isHtml || bad.has(each.localName)) found.push(each.localName);
    for (const {name, value} of each.attributes) {
      const named = /^on|^(id|name|class|srcset|target|ping|form)/i.test(name) && !own[name]?.test(value);
      if (named || (good[name] && !good[name].test(value)) || (name === "style" && style.test(value))) {
        found.push(name + "=" + value);
      }
    }
  }
  return found;
}"""


def attacks(enemy: Site) -> list[str]:
    listed = json.loads((HERE / "attacks.json").read_text(encoding="utf-8"))
    return [
        each["html"].replace("{host}", enemy.url).replace("{bare}", enemy.bare).replace("{n}", str(number))
        for number, each in enumerate(listed)
    ]


def what_happened(page: Page, app: Site) -> list[str]:
    """Everything that must not: a script ran, the page changed, a frame or the app went elsewhere."""
    if page.url != f"{app.url}/harness.html":
        return [f"the app's page went to {page.url}"]
    heard, intact = page.evaluate("[heard.splice(0), secret + document.querySelectorAll('iframe').length]")
    wrong = [str(each) for each in heard if each.get("kind") not in WORDS]
    if intact != "only the app may read this1":
        wrong.append("the app's page was changed")
    # Uncleaned, there may be frames inside the frame, and they are empty.
    wrong += [f"a frame went to {each.url}" for each in page.frames[2:] if each.url not in NOWHERE]
    return wrong


@pytest.mark.timeout(300)
@pytest.mark.parametrize("images", [False, True], ids=["no images", "images allowed"])
@pytest.mark.parametrize("kind", ["shipped", "uncleaned"])
def test_frame_1_2_3_no_attack_runs_asks_leaves_or_reaches_the_app(
    page: Page, app: Site, enemy: Site, kind: str, images: bool
):
    dialogs: list[str] = []
    page.context.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.context.on("page", lambda opened: dialogs.append(f"opened {opened.url}"))
    wrong: list[str] = []
    for html in attacks(enemy):
        said = show(page, kind, images=images, html=html)
        if kind == "shipped":
            happened = (
                [] if said and len(page.frames) == 3 else ["it wasn't shown, or with frames of its own"]
            )
            happened += inner(page).evaluate(_WRONG)
        else:
            happened = []
        with contextlib.suppress(Error) if kind == "uncleaned" else contextlib.nullcontext():
            inner(page).evaluate(_POKE)  # a frame whose navigation was blocked has nobody to poke
        happened += what_happened(page, app)
        wrong += [f"{html[:200]!r}: {each}" for each in happened]
    page.evaluate("new Promise(done => setTimeout(done, 500))")
    wrong += what_happened(page, app) + dialogs
    wrong += [f"asked for {each}" for each in enemy.asked if not (images and each[1] in FOR_IMAGES)]
    assert not wrong, "\n".join(wrong)


# Each attack in a frame of its own that nothing guards; gives the numbers of those that ran a script.
_UNGUARDED = """async ([attacks, most]) => {
  const ran = new Set();
  addEventListener("message", event => ran.add(String(event.data)));
  for (const html of attacks) {
    const frame = document.createElement("iframe");
    frame.srcdoc = html;
    document.body.append(frame);
  }
  for (let n = 0; n < 100 && ran.size < most; n++) await new Promise(done => setTimeout(done, 100));
  return [...ran];
}"""


LIVING = 30  # of the list, at least, where nothing guards


def test_the_attacks_are_alive_where_nothing_guards(page: Page, enemy: Site):
    """Else the test above would prove nothing."""
    page.goto(f"{enemy.url}/plain.html")
    leaving = ("top.location", "parent.location", "_top", "_parent", 'content="0"')
    staying = [each for each in attacks(enemy) if not any(word in each for word in leaving)]
    ran = page.evaluate(_UNGUARDED, [staying, LIVING])
    asked = {path for path, _ in enemy.asked if path[1:].isdigit()}
    assert len(ran) >= LIVING and len(asked) >= LIVING, (ran, asked)


# What it is for


def told(page: Page, kind: str) -> list[dict[str, Any]]:
    """What the frame has said of a kind since it was last asked."""
    page.evaluate("new Promise(done => setTimeout(done, 100))")
    return [each for each in page.evaluate("heard.splice(0)") if each["kind"] == kind]


LINKS = """<p>See <a href="https://evil.example/x">www.bank.example</a>, <a href="https://bank.example/">here</a>,
<a href="mailto:anna@example.org?subject=Hi">Anna</a> and <a href="javascript:x">nowhere</a></p>"""


def test_frame_6_a_link_that_says_something_else_than_it_does_is_marked(page: Page):
    assert show(page, html=LINKS)["mismatched"] == 1
    frame = inner(page)
    assert frame.locator("a").first.inner_text() == "www.bank.exampleleads to evil.example"
    assert frame.locator("a[href]").count() == 3
    for link in frame.locator("a[href]").all():
        assert link.get_attribute("target") == "_blank"
        assert "noopener" in (link.get_attribute("rel") or "")


def test_frame_6_where_a_link_leads_is_told_before_it_is_followed(page: Page):
    show(page, html=LINKS)
    inner(page).locator("a").first.hover()
    said = told(page, "link")[-1]
    assert said == {"kind": "link", "url": "https://evil.example/x", "mismatched": True}
    inner(page).locator("a").nth(1).focus()
    assert told(page, "link")[-1]["url"] == "https://bank.example/"


def test_an_address_is_the_apps_to_write_to(page: Page):
    show(page, html=LINKS)
    inner(page).locator("a").nth(2).click()
    assert [each["url"] for each in told(page, "mailto")] == ["mailto:anna@example.org?subject=Hi"]
    assert inner(page).url == "about:srcdoc"


def images(enemy: Site) -> str:
    return (
        f'<img src="{enemy.url}/1" alt="logo" width="80" height="40"><img src="{enemy.url}/2" width="1">'
        f'<p style="background-image:url({enemy.url}/3)">x</p><table background="{enemy.url}/4"><td>y</table>'
        '<img src="cid:pic@example.org" alt="inline"><img src="cid:unknown" alt="lost">'
    )


def test_frame_2_images_from_elsewhere_stay_away_and_are_counted(page: Page, enemy: Site):
    inline = {"pic@example.org": base64.b64encode(PIXEL).decode()}
    assert show(page, html=images(enemy), inline=inline)["blocked"] == 4
    frame = inner(page)
    assert frame.locator("[role=img]").get_attribute("aria-label") == "Image not loaded: logo"
    holds(frame, "[...document.images].every(each => each.complete && each.naturalWidth === 1)")
    assert frame.locator("img").count() == 1
    assert "lost" in frame.locator("main").inner_text()
    assert not enemy.asked


def test_frame_2_images_from_elsewhere_come_when_they_are_allowed(page: Page, enemy: Site):
    assert show(page, html=images(enemy), images=True)["blocked"] == 0
    holds(inner(page), "[...document.images].every(each => each.complete)")
    page.wait_for_timeout(300)
    assert {path for path, kind in enemy.asked if kind == "image"} == {"/1", "/2", "/3", "/4"}


def test_frame_4_messages_are_shown_with_the_server_away(page: Page, app: Site):
    page.evaluate("navigator.serviceWorker.register('/harness_worker.js')")
    holds(page, "navigator.serviceWorker.controller !== null")
    before = len(app.asked)
    page.context.set_offline(True)
    assert show(page, html="<p>still here</p>")
    assert inner(page).locator("p").inner_text() == "still here"
    assert len(app.asked) == before


TEXT = (
    "A long \nparagraph.\n\n<b>not bold</b> https://example.org/a.\n"
    "> one\n> two\n> three\n>> deeper\n\nmine\n-- \nAnna\n"
)


def test_plain_text_is_text_with_links_and_folded_quotes(page: Page):
    show(page, text=TEXT, flowed=True)
    frame = inner(page)
    assert frame.locator("b").count() == 0
    assert frame.locator("a").get_attribute("href") == "https://example.org/a"
    assert "A long paragraph." in frame.locator("main").inner_text()
    assert not frame.locator("blockquote").first.is_visible()
    frame.locator("summary").click()
    assert "deeper" in frame.locator("blockquote blockquote").inner_text()


def test_quotes_of_html_are_folded_behind_an_answer(page: Page):
    quote = '<blockquote type="cite"><p>old</p></blockquote>'
    show(page, html=f"<p>new</p>{quote}")
    assert not inner(page).locator("blockquote").is_visible()
    show(page, html=quote)
    assert inner(page).locator("blockquote").is_visible()


def test_the_frame_is_as_high_as_its_message(page: Page):
    last = 0

    def height() -> int:
        """As told last: it is told anew whenever something has been laid out."""
        nonlocal last
        last = ([last] + [each["height"] for each in told(page, "height")])[-1]
        return last

    show(page, html="<p>x</p>" * 100)
    until(lambda: height() > 2000)
    show(page, html="<p>x</p>" * 10)
    until(lambda: height() < 500)
    show(page, html='<div style="height:100vh">x</div>' * 3)
    until(lambda: height() < 200)


def test_a_message_wider_than_the_frame_is_made_smaller(page: Page):
    show(page, html='<table width="800"><tr><td>wide</td></tr></table>')
    fits = "document.querySelector('table').getBoundingClientRect().right <= innerWidth"
    holds(inner(page), fits)  # once it has been laid out


def test_keys_are_the_apps(page: Page):
    show(page, html="<p>x</p>")
    inner(page).locator("p").click()
    told(page, "key")
    page.keyboard.press("j")
    page.keyboard.press("Shift+#")
    assert [each["key"] for each in told(page, "key")] == ["j", "Shift", "#"]


def test_a_message_is_light_unless_asked(page: Page):
    show(page, html="<p>x</p>")
    page.emulate_media(color_scheme="dark")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    assert inner(page).evaluate(ground) == "rgb(255, 255, 255)"
    page.evaluate("port.postMessage({kind: 'look', inverted: true})")
    holds(inner(page), f"{ground} !== 'rgb(255, 255, 255)'")


def test_a_long_message_is_printed_on_as_many_pages_as_it_needs(page: Page):
    show(page, html="<p>word</p>" * 200)
    told(page, "height")
    pages = page.pdf().count(b"/Type /Page\n")
    assert pages >= 4


# The editor: what is quoted and pasted is as hostile as what is read

_EDIT_ALL = (
    "async attacks => { const all = []; for (const each of attacks) all.push(await edit(each)); return all; }"
)
# Elements and attributes that must not be sent on.
_SENT_WRONG = """html => {
  const bad = "script,style,link,meta,base,iframe,object,embed,form,input,button,textarea,select,svg,math";
  const found = [];
  for (const each of new DOMParser().parseFromString(html, "text/html").body.querySelectorAll("*")) {
    if (each.matches(bad)) found.push(each.localName);
    for (const {name, value} of each.attributes) {
      if (/^on|^(id|name|srcset|target|ping|form|data-)/i.test(name)) found.push(name + "=" + value);
      if (/^(href|src)$/.test(name) && !/^(https?|mailto|tel|cid|data:image)/.test(value)) found.push(value);
    }
  }
  return found;
}"""


def test_frame_1_2_3_no_attack_lives_in_the_editor_or_is_sent_on(page: Page, app: Site, enemy: Site):
    listed = attacks(enemy)
    sent = page.evaluate(_EDIT_ALL, listed)
    inner(page).evaluate(_POKE)
    page.wait_for_timeout(500)
    wrong = [
        f"{html[:200]!r}: {found}"
        for html, each in zip(listed, sent, strict=True)
        if (found := page.evaluate(_SENT_WRONG, each["html"]))
    ]
    wrong += [str(each) for each in page.evaluate("heard.splice(0)") if each["kind"] == "stray"]
    assert not wrong, "\n".join(wrong)
    assert not enemy.asked
    assert page.url == f"{app.url}/harness.html" and inner(page).url == "about:srcdoc"


def test_a_draft_comes_out_of_the_editor_as_it_went_in(page: Page, enemy: Site):
    html = (
        '<div>one <b>bold</b></div><ul><li>a</li></ul><div><img src="cid:x@example.org" alt="inline">'
        f'<img src="{enemy.url}/1" alt="far"></div><div class="signature">Anna</div>'
        '<blockquote type="cite"><div>old</div></blockquote>'
    )
    once = page.evaluate("html => edit(html)", html)
    assert f'src="{enemy.url}/1"' in once["html"] and 'src="cid:x@example.org"' in once["html"]
    assert 'class="signature"' in once["html"] and '<blockquote type="cite">' in once["html"]
    assert page.evaluate("html => edit(html)", once["html"]) == once
    assert once["text"] == "one bold\n\n- a\n\n[inline][far]\n-- \nAnna\n\n> old"
    assert not enemy.asked


def test_what_is_typed_formatted_and_undone_is_told(page: Page):
    page.evaluate("edit('<div><br></div>')")
    page.evaluate("editor.postMessage({kind: 'focus'})")
    page.locator("iframe").focus()
    inner(page).locator("[role=textbox]").click()
    page.keyboard.type("plain ")
    page.keyboard.press("Control+b")
    page.keyboard.type("bold")
    holds(inner(page), "document.querySelector('b')")
    page.evaluate("editor.postMessage({kind: 'do', command: 'bullets', value: ''})")
    said = page.evaluate("new Promise(done => { changed = done; editor.postMessage({kind: 'tell'}); })")
    assert said["text"] == "- plain bold"
    assert "<ul>" in said["html"] and "<b>" in said["html"]
    page.keyboard.press("Control+Enter")
    assert [each["key"] for each in told(page, "key")] == ["Enter"]


def test_the_signature_is_exchanged_in_its_place(page: Page):
    page.evaluate("edit('<div>text</div><div class=signature>Old</div><blockquote type=cite>q</blockquote>')")
    exchange = """html => new Promise(done => {
      changed = done; editor.postMessage({kind: "signature", html}); })"""
    assert page.evaluate(exchange, "<b>New</b><script>x</script>")["text"] == "text\n-- \nNew\n\n> q"
    assert page.evaluate(exchange, "")["text"] == "text\n\n> q"
    assert page.evaluate(exchange, "Third")["text"] == "text\n-- \nThird\n\n> q"
