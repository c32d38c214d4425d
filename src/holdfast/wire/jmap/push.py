"""What is pushed: state changes, subscriptions, and the lines of an event source. RFC 8620 §7"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from holdfast.model.limits import JMAP_EVENT_BYTES
from holdfast.wire.jmap.core import Date, Id, Shape


class StateChange(Shape, kw_only=True, tag="StateChange", tag_field="@type"):
    """``changed``: by account and type of object the new state. ``push_state``: RFC 8887 §4.3.5"""

    changed: dict[Id, dict[str, str]]
    push_state: str | UnsetType = UNSET

    def only(self, types: Collection[str] | None) -> StateChange | None:
        """What is of these types; None when nothing is."""
        if types is None:
            return self
        changed = {
            account: kept
            for account, states in self.changed.items()
            if (kept := {name: state for name, state in states.items() if name in types})
        }
        return StateChange(changed=changed, push_state=self.push_state) if changed else None


def joined(older: StateChange, newer: StateChange) -> StateChange:
    """One change that says what both say; of a type in both the newer state."""
    changed = {account: dict(states) for account, states in older.changed.items()}
    for account, states in newer.changed.items():
        changed.setdefault(account, {}).update(states)
    return StateChange(changed=changed, push_state=newer.push_state)


class PushKeys(msgspec.Struct):
    """Of RFC 8291, in base64url."""

    p256dh: str
    auth: str


class PushSubscription(Shape, kw_only=True):
    """RFC 8620 §7.2; ``url`` and ``keys`` are never given back."""

    id: str | UnsetType = UNSET
    device_client_id: str
    url: Annotated[str, Meta(pattern=r"^https://", max_length=2000)] | UnsetType = UNSET
    keys: PushKeys | UnsetType | None = UNSET
    verification_code: str | UnsetType | None = UNSET
    expires: Date | UnsetType | None = UNSET
    types: list[str] | UnsetType | None = UNSET


class PushVerification(Shape, kw_only=True, tag="PushVerification", tag_field="@type"):
    """What is pushed first, to see that the subscriber wants it."""

    push_subscription_id: str
    verification_code: str


class EventWishes(NamedTuple):
    """How an event source is asked for: of which types (None: all), whether it closes after the first, and
    how often it pings (seconds, 0: never)."""

    types: frozenset[str] | None
    close_after: Literal["state", "no"]
    ping_s: int


def read_wishes(types: str, close_after: str, ping: str, least_s: int, most_s: int) -> EventWishes | None:
    """From the URL's values; None where they are none. A ping other than 0 is brought between the bounds."""
    if close_after not in ("state", "no") or not (ping.isascii() and ping.isdigit() and len(ping) < 10):
        return None
    every = int(ping)
    return EventWishes(
        None if types == "*" else frozenset(filter(None, types.split(","))),
        "state" if close_after == "state" else "no",
        min(max(every, least_s), most_s) if every else 0,
    )


def state_event(change: StateChange, event_id: str = "") -> bytes:
    """``event_id``: what a client that comes back names in Last-Event-ID."""
    mark = b"id: " + _one_line(event_id) + b"\n" if event_id else b""
    return b"event: state\n" + mark + b"data: " + msgspec.json.encode(change) + b"\n\n"


def ping_event(interval_s: int) -> bytes:
    return b'event: ping\ndata: {"interval":%d}\n\n' % interval_s


def _one_line(text: str) -> bytes:
    return text.replace("\r", "").replace("\n", "").replace("\0", "").encode()


class Event(NamedTuple):
    """``id``: the last one named, of this event or one before."""

    name: str
    data: str
    id: str


class EventClient:
    """Reads an event source (the HTML standard, §9.2.6): ``receive``, ``next_event`` until None."""

    __slots__ = ("_buffer", "_data", "_id", "_name", "_size", "broken")

    def __init__(self, last_id: str = "") -> None:
        self._buffer = bytearray()
        self._id = last_id
        self._name = ""
        self._data: list[str] = []
        self._size = 0
        self.broken = False  # more than JMAP_EVENT_BYTES without an end: nothing is read any more

    def receive(self, data: bytes) -> None:
        if not self.broken:
            self._buffer += data

    def next_event(self) -> Event | None:
        while (line := self._take_line()) is not None:
            if line:
                self._field(*line.partition(":")[::2])
            elif self._data:
                event = Event(self._name or "message", "\n".join(self._data), self._id)
                self._name = ""
                self._data = []
                self._size = 0
                return event
            else:
                self._name = ""
        return None

    def _take_line(self) -> str | None:
        """Without its end, which is CR LF, LF or CR; a CR at the end of what is there may be half of one."""
        end = self._buffer.find(b"\n")
        single = self._buffer.find(b"\r", 0, end if end >= 0 else len(self._buffer))
        if single >= 0 and single + 1 < len(self._buffer):
            line = bytes(self._buffer[:single])
            del self._buffer[: single + (2 if self._buffer[single + 1] == 10 else 1)]
        elif single < 0 and end >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
        else:
            self._bound(len(self._buffer))
            return None
        self._size += len(line)
        self._bound(self._size)
        return None if self.broken else line.decode("utf-8", "replace")

    def _bound(self, size: int) -> None:
        if size > JMAP_EVENT_BYTES:
            self.broken = True
            self._buffer.clear()
            self._data.clear()

    def _field(self, name: str, value: str) -> None:
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
