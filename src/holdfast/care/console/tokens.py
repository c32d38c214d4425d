"""Who may open the console: tokens, kept as digests in a file, each of somebody and until some time.

CONSOLE-2 a token is drawn, never chosen; it is kept as a digest, ends, and a session ends with it.
"""

from __future__ import annotations

import hashlib
import hmac
import os.path

import msgspec

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import CONSOLE_NAME_LETTERS, CONSOLE_TOKENS
from holdfast.world import World

LETTERS = 32  # of 5 bits each: nothing to be guessed, so a plain digest is enough


class Token(msgspec.Struct, frozen=True):
    """``number``: drawn, for sessions to name it by. ``digest``: SHA-256, in hex. ``until``: UTC seconds."""

    number: int
    name: str
    digest: str
    until: float


class Tokens:
    """Of one file; written by the command line, read by the role."""

    def __init__(self, world: World, path: str) -> None:
        self._world = world
        self._path = path

    def make(self, name: str, life_s: float) -> str:
        """The token, said once; one that this person had before ends. Raises ``Refused``;
        ``Unavailable("console")``: the file can't be read."""
        if name != name.strip() or not 0 < len(name) <= CONSOLE_NAME_LETTERS or not name.isprintable():
            raise Refused(Reason.BAD_NAME, f"whose it is: one to {CONSOLE_NAME_LETTERS} letters")
        others = [each for each in self.known() if each.name != name]
        if len(others) >= CONSOLE_TOKENS:
            raise Refused(Reason.TOO_MANY, f"there are {len(others)}: `holdfast console revoke` ends one")
        secret = self._world.entropy.token(LETTERS)
        number = int.from_bytes(self._world.entropy.bytes(6), "big")
        self._write([*others, Token(number, name, _digest(secret), self._world.clock.now() + life_s)])
        return secret

    def revoke(self, name: str) -> None:
        """Raises ``Refused`` where nobody of that name has one."""
        known = self.known()
        if name not in (each.name for each in known):
            raise Refused(Reason.BAD_SYNTAX, f"{name} has none; see `holdfast console list`")
        self._write([each for each in known if each.name != name])

    def known(self) -> list[Token]:
        """Those that hold. Raises ``Unavailable("console")``."""
        try:
            found = msgspec.json.decode(self._world.disk.read(self._path), type=list[Token])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.MsgspecError) as error:
            raise Unavailable("console", f"{self._path}: {error}") from error
        return [each for each in found if each.until > self._world.clock.now()]

    def of(self, secret: str) -> Token | None:
        digest = _digest(secret.strip().lower())
        return next((each for each in self.known() if hmac.compare_digest(each.digest, digest)), None)

    def get(self, number: int) -> Token | None:
        return next((each for each in self.known() if each.number == number), None)

    def _write(self, tokens: list[Token]) -> None:
        self._world.disk.make_folder(os.path.dirname(self._path))
        self._world.disk.write_atomic(self._path, msgspec.json.encode(tokens))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
