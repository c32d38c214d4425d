"""The webmail's files as they are served: kept or asked anew, packed, under their policies."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from holdfast.functions.webmail.app import Config, Webmail
from holdfast.functions.webmail.files import Files
from holdfast.model.errors import Unavailable
from holdfast.world import real_world

CONFIG = Config("https://jmap.example.org", "", "https://accounts.example.org", "", "Mail")


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def built(folder: Path) -> Path:
    (folder / "assets").mkdir(parents=True)
    (folder / ".sources").write_text("a stamp")
    (folder / "index.html").write_text("<!doctype html><title>Mail</title>")
    (folder / "sw.js").write_text("self")
    (folder / "assets" / "index-Ab3_9xYz.js").write_text("1")
    (folder / "assets" / "index-Ab3_9xYz.js.br").write_bytes(b"packed")
    policy = "default-src 'none'; script-src 'sha256-x'"
    (folder / "frame.html").write_text(f'<meta http-equiv="Content-Security-Policy" content="{policy}">')
    return folder


async def gone() -> bytes:
    raise Unavailable("health", "not connected")


def ask(folder: Path, path: str, method: str = "GET", feed: Any = gone, **headers: str) -> Answer:
    app = Webmail(Files(real_world(level="error"), str(folder)), CONFIG, ["https://jmap.example.org"], feed)
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async def receive() -> Any:
        raise AssertionError("nothing is taken in")

    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": fields, "scheme": "https"}
    asyncio.run(app(scope, receive, send))
    start, body = sent
    return Answer(
        start["status"],
        {name.decode(): value.decode() for name, value in start["headers"]},
        body["body"],
    )


def test_webmail_3_what_has_its_content_in_its_name_is_kept_for_ever(tmp_path: Path) -> None:
    folder = built(tmp_path / "static")
    script = ask(folder, "/assets/index-Ab3_9xYz.js")
    assert "immutable" in script.headers["cache-control"]
    assert script.headers["content-type"].startswith("text/javascript") and script.body == b"1"
    for path in ("/", "/index.html", "/sw.js", "/frame.html", "/config.json"):
        assert ask(folder, path).headers["cache-control"] == "no-cache", path
    page = ask(folder, "/")
    again = ask(folder, "/", if_none_match=page.headers["etag"])
    assert (again.status, again.body) == (304, b"")


def test_packed_files_are_for_who_takes_them(tmp_path: Path) -> None:
    folder = built(tmp_path / "static")
    packed = ask(folder, "/assets/index-Ab3_9xYz.js", accept_encoding="gzip, br;q=1.0")
    assert (packed.headers["content-encoding"], packed.body) == ("br", b"packed")
    assert packed.headers["vary"] == "accept-encoding"
    assert "content-encoding" not in ask(folder, "/assets/index-Ab3_9xYz.js", accept_encoding="gzip").headers


def test_webmail_2_a_page_runs_its_own_scripts_and_speaks_to_jmap_alone(tmp_path: Path) -> None:
    folder = built(tmp_path / "static")
    policy = ask(folder, "/").headers["content-security-policy"]
    assert "script-src 'self';" in policy and "unsafe" not in policy
    assert "connect-src 'self' https://jmap.example.org wss://jmap.example.org;" in policy
    assert "frame-ancestors 'none'" in policy
    frame = ask(folder, "/frame.html").headers["content-security-policy"]
    assert frame == "default-src 'none'; script-src 'sha256-x'; frame-ancestors 'self'"
    assert ask(folder, "/").headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/.sources", "/../app.py", "/assets/", "/assets", "/nothing.js", "//etc/passwd"]
)
def test_only_files_of_the_build_are_there(tmp_path: Path, path: str) -> None:
    folder = built(tmp_path / "static")
    (tmp_path / "app.py").write_text("secret")
    assert ask(folder, path).status == 404


def test_without_a_build_a_page_says_what_to_do_and_a_build_is_there_at_once(tmp_path: Path) -> None:
    missing = ask(tmp_path / "static", "/")
    assert missing.status == 503 and b"make run" in missing.body and b"nicht gebaut" in missing.body
    assert json.loads(ask(tmp_path / "static", "/config.json").body)["jmap"] == CONFIG.jmap
    files = Files(real_world(level="error"), str(tmp_path / "static"))
    assert files.find("index.html") is None
    folder = built(tmp_path / "static")
    first = files.find("")
    assert first is not None and files.find("assets/index-Ab3_9xYz.js") is not None
    (folder / "new.html").write_text("<title>New</title>")
    os.replace(folder / "new.html", folder / "index.html")
    second = files.find("")
    assert second is not None and second.etag != first.etag


def test_the_status_is_the_feeds_or_later(tmp_path: Path) -> None:
    async def there() -> bytes:
        return b'{"page":{}}'

    folder = tmp_path / "static"
    found = ask(folder, "/status/summary.json", feed=there)
    assert (found.status, found.body, found.headers["content-type"]) == (
        200,
        b'{"page":{}}',
        "application/json",
    )
    later = ask(folder, "/status/summary.json")
    assert later.status == 503 and later.headers["retry-after"]
    assert ask(folder, "/", method="POST").status == 405
    assert ask(folder, "/config.json", method="HEAD").body == b""
