"""What an operation of the administrators is, before there is any: its route, shapes, right and reach."""

from __future__ import annotations

import enum
import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from holdfast.functions.admin.permissions import Permission
from holdfast.functions.admin.shapes import Asked

Handler = Callable[[Any, Any], Awaitable[Any]]

_PATH_FIELD = re.compile(r"\{(\w+)\}")
_BODIES = ("POST", "PUT", "PATCH")


class Reach(enum.Enum):
    """OWN: only the asker's own things. LIST: shows what lies within his rights, and no more.

    NAMED: what its fields name; naming nothing means the whole service.
    """

    OWN = "own"
    LIST = "list"
    NAMED = "named"


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """``asks``, ``gives``: its shapes; ``gives`` None: an answer without a body.

    ``changes``: needs the people process, and is told to the journal. ``guarded``: the account that it names
    must not have rights beyond those of who asks. ``takes``: another kind of body than JSON. ``secret``:
    the answer is shown once.
    """

    id: str
    method: str
    path: str
    doc: str
    asks: type[Asked]
    gives: Any
    permission: Permission
    reach: Reach
    handler: Handler
    status: int
    changes: bool
    guarded: bool
    takes: str

    @property
    def path_fields(self) -> tuple[str, ...]:
        return tuple(_PATH_FIELD.findall(self.path))

    @property
    def has_body(self) -> bool:
        return self.method in _BODIES and not self.takes

    @property
    def query_fields(self) -> tuple[str, ...]:
        """Those that come neither with the path nor in the body."""
        if self.has_body:
            return ()
        return tuple(each for each in self.asks.__struct_fields__ if each not in self.path_fields)

    @property
    def body_fields(self) -> tuple[str, ...]:
        if not self.has_body:
            return ()
        return tuple(each for each in self.asks.__struct_fields__ if each not in self.path_fields)

    @property
    def group(self) -> str:
        """'accounts' of ``/v1/accounts/{account}``: what it is about."""
        return self.path.split("/")[2]
