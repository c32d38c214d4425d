"""The built files: found anew when they change, each with the fields it is served with."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from holdfast.world import World

INDEX = "index.html"
_KINDS = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/vnd.microsoft.icon",
    "webp": "image/webp",
    "woff2": "font/woff2",
    "wasm": "application/wasm",
    "txt": "text/plain; charset=utf-8",
    "webmanifest": "application/manifest+json",
}
_HASHED = re.compile(r"assets/[^/]+[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+")  # as Vite names them
_PACKED = {"br": ".br", "gzip": ".gz"}
_META_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)"')
FOR_EVER, ANEW = "public, max-age=31536000, immutable", "no-cache"  # WEBMAIL-3


class Served(NamedTuple):
    """``bodies``: by content coding, '' is the file itself. ``policy``: of the file's own, '' for ours."""

    kind: str
    caching: str
    etag: str
    bodies: dict[str, bytes]
    policy: str


class Files:
    """``folder``: where the build puts them; it may be empty."""

    def __init__(self, world: World, folder: str) -> None:
        self._world = world
        self._folder = folder
        self._identity: tuple[int, int] | None = None
        self._served: dict[str, Served] = {}

    def find(self, name: str) -> Served | None:
        """``name``: as in the URL, without the first slash."""
        identity = self._world.disk.identity(f"{self._folder}/{INDEX}")
        if identity != self._identity:
            self._served = dict(self._all()) if identity is not None else {}
            self._identity = identity
        return self._served.get(name or INDEX)

    def _all(self) -> Iterator[tuple[str, Served]]:
        names = dict(self._walk(""))
        for name, path in names.items():
            kind = _KINDS.get(name.rpartition(".")[2])
            if kind is None or "/." in f"/{name}":
                continue
            body = self._world.disk.read(path)
            bodies = {"": body}
            for coding, ending in _PACKED.items():
                if name + ending in names:
                    bodies[coding] = self._world.disk.read(path + ending)
            caching = FOR_EVER if _HASHED.fullmatch(name) else ANEW
            etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
            yield name, Served(kind, caching, etag, bodies, _policy_of(kind, body))

    def _walk(self, below: str) -> Iterator[tuple[str, str]]:
        for each in self._world.disk.list(f"{self._folder}/{below}"):
            name = f"{below}{each}"
            path = f"{self._folder}/{name}"
            if "." in each:
                yield name, path
            else:
                yield from self._walk(name + "/")


def _policy_of(kind: str, body: bytes) -> str:
    """A page that brings a policy of its own is held to that one: the frame for messages, say."""
    if not kind.startswith("text/html"):
        return ""
    found = _META_POLICY.search(body.decode("utf-8", "replace"))
    return html.unescape(found[1]) if found else ""
