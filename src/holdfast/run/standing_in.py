"""What is said at a role's doors while its processes end again and again (RUN-11): come again.

Each protocol has words for that, so that programs keep what they have, and their passwords, and try later.
"""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.run import parts
from holdfast.run.child import Start
from holdfast.wire.imap import replies as imap
from holdfast.wire.smtp import replies as smtp
from holdfast.world import Session

_TEXT = "out of order for now, please try again later"
_SMTP = smtp.OUT_OF_ORDER.encode()
_IMAP = imap.bye(_TEXT.capitalize(), b"UNAVAILABLE")  # RFC 5530 §3
_POP3 = f"-ERR [SYS/TEMP] {_TEXT}\r\n".encode()  # RFC 3206 §4
_GREETINGS: Mapping[str, bytes] = {"mx": _SMTP, "submission": _SMTP, "imap": _IMAP, "pop3": _POP3}


class _Turning(Session):
    """Greets with a refusal, and goes."""

    __slots__ = ("_words",)

    def __init__(self, words: bytes) -> None:
        self._words = words

    def connected(self) -> None:
        self.connection.write(self._words)
        self.connection.close()


async def run_stand_in(start: Start) -> None:
    """At the doors of ``start.role``, until it is told to stop."""
    if (greeting := _GREETINGS.get(start.role)) is None:
        from holdfast.run import standing_in_pages  # loaded where there are pages, and nowhere else (RUN-5)

        await standing_in_pages.serve(start)
        return
    await parts.serve_doors(
        start, lambda: _Turning(greeting), lambda: _Turning(greeting), parts.tls_context(start)
    )
