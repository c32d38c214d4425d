"""A partner that is asked over HTTP, for tests: a real server that keeps requests and answers as told."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple


class Asked(NamedTuple):
    """``fields``: names in lower case."""

    method: str
    path: str
    fields: dict[str, str]
    body: bytes


class Gateway:
    """``answer``: what it says to a request; it may wait. Else that is ``status`` and ``body``."""

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self.status, self.body = 200, b"accepted"
        self.answer: Callable[[Asked], tuple[int, bytes]] = lambda asked: (self.status, self.body)
        gateway = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def respond(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                fields = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, fields, self.rfile.read(length))
                gateway.requests.append(asked)
                status, body = gateway.answer(asked)
                with contextlib.suppress(ConnectionError):  # who asked has gone meanwhile
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            do_POST = do_GET = do_PUT = respond

            def log_message(self, *_: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 128
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def gateway() -> Iterator[Gateway]:
    made = Gateway()
    try:
        yield made
    finally:
        made.close()
