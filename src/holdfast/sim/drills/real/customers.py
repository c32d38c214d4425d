"""Customers of a drill: each uses a function as people and programs do, again and again, and notes what it
was answered. They believe certificates as strict programs do, and know what is in their mailboxes.

They are not the canaries: what the service's own trials think of it is judged by these.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from email.utils import formatdate
from typing import NamedTuple

from holdfast.model.errors import Refused, Unavailable
from holdfast.model.mail import Flag
from holdfast.sim.drills.real.elsewhere import OUTSIDE
from holdfast.sim.drills.real.installation import DOMAIN, HOST, OTHER, PASSWORD, Installation
from holdfast.sim.drills.score import FORBIDDEN, Try
from holdfast.watch.canaries.visiting import Page, Programs, Visitor, Web, path_of
from holdfast.watch.canaries.words import Site
from holdfast.watch.clients import (
    NOT_UNDERSTOOD,
    Fault,
    Imap,
    Pop3,
    Smtp,
    Steps,
    Target,
    Turned,
    imap_ready,
    pop3_ready,
    smtp_ready,
)
from holdfast.watch.talking import Talk, talking
from holdfast.wire.imap import commands as c
from holdfast.wire.imap.answers import Exists, Fetched
from holdfast.wire.smtp.transaction import Recipient, Transaction
from holdfast.world import World
from holdfast.world.http import HttpAnswer

TRY_S = 10.0  # a try that takes longer is given up
SLOW_S = 3.0  # one that takes longer works slowly
ONWARD_S = 6.0  # what is sent to elsewhere arrives within this, or waits
LOOK_S = 0.2
# How often each function is tried.
EVERY_S = {
    "receive": 1.0,
    "send": 1.5,
    "imap": 1.0,
    "pop3": 1.5,
    "webmail": 2.0,
    "password": 4.0,
    "signup": 6.0,
}
_WHOLE = c.BodySection(c.Section(), b"BODY[]", peek=True)
_UNAVAILABLE = ("answered 503", "answered 429")
_FOR_NOW = ("4", "serverUnavailable")  # how a fault begins that is one for now: SMTP; RFC 8620 §3.6.2


class Household(NamedTuple):
    """``mail`` reads, writes and is written to; ``other`` changes its password."""

    mail: str
    other: str


class Gone(Exception):
    """Less is shown than there is: what was acknowledged is missing."""


class Customers:
    """``tries``: all of them, in order of time. ``watch`` until cancelled; ``count`` at the end."""

    def __init__(self, place: Installation, households: Iterable[Household]) -> None:
        self.tries: list[Try] = []
        self._place = place
        self._world: World = place.world
        self._households = list(households)
        self._group: asyncio.TaskGroup | None = None
        self._trust = place.trust()
        self._seen: dict[tuple[str, str], int] = {}  # (function, account) → messages there were
        self._taken: dict[str, list[str]] = {}  # account → subjects that were acknowledged
        self._onward: set[str] = set()  # subjects of what was taken for elsewhere
        self._passwords = {each.other: PASSWORD for each in self._households}
        self._homes = {each.other: _an_address(self._world) for each in self._households}

    async def watch(self) -> None:
        ways: dict[str, Callable[[str], Awaitable[str]]] = {
            "receive": self._receive,
            "send": self._send,
            "imap": self._imap,
            "pop3": self._pop3,
            "webmail": self._webmail,
            "password": self._password,
            "signup": self._signup,
        }
        async with asyncio.TaskGroup() as self._group:
            for each in self._households:
                for function, way in ways.items():
                    account = each.other if function == "password" else each.mail
                    self._group.create_task(self._again(function, account, way))

    def join(self, account: str) -> None:
        """Somebody new reads mail, too."""
        if self._group is not None and all(account != each.mail for each in self._households):
            self._group.create_task(self._again("imap", account, self._imap))
            self._group.create_task(self._again("pop3", account, self._pop3))

    async def _again(self, function: str, account: str, way: Callable[[str], Awaitable[str]]) -> None:
        clock = self._world.clock
        while True:
            began, at = clock.monotonic(), clock.now()
            answer, said = await self._tried(function, account, way)
            self.tries.append(Try(function, account, at, answer, said))
            await clock.sleep(max(LOOK_S, EVERY_S[function] - (clock.monotonic() - began)))

    async def _tried(
        self, function: str, account: str, way: Callable[[str], Awaitable[str]]
    ) -> tuple[str, str]:
        began = self._world.clock.monotonic()
        try:
            async with asyncio.timeout(TRY_S):
                answer = await way(account)
        except Exception as error:
            return judged(error)
        slow = self._world.clock.monotonic() - began > SLOW_S
        return ("ok*" if slow and answer == "ok" else answer), ""

    # what was acknowledged is there, once

    async def count(self) -> tuple[list[Try], list[str]]:
        """Mail that was acknowledged and is missing, there twice or given back, as tries that were answered
        so; and whose mail can't be counted, and why."""
        found, notes = [], []
        for account, subjects in self._taken.items():
            try:
                async with asyncio.timeout(TRY_S):
                    messages = await self._messages(account)
            except Exception as error:
                notes.append(f"the mail of {account} can't be counted: {judged(error)[1]}")
                continue
            there = Counter(map(_subject, messages))
            for subject in given_back(messages, self._onward):
                found.append(
                    Try("send", account, self._world.clock.now(), FORBIDDEN, f"{subject}: given back")
                )
            for subject in subjects:
                if there[subject] != 1:
                    said = f"{subject}: acknowledged, and there {there[subject]} times"
                    found.append(Try("receive", account, self._world.clock.now(), FORBIDDEN, said))
        return found, notes

    async def _messages(self, account: str) -> list[bytes]:
        async with self._signed_in(account) as imap:
            if not (there := _exists(await imap.do(c.Select("INBOX", read_only=True)))):
                return []
            return await _bodies(imap, c.SequenceSet(((1, there),)))

    # mail

    @contextlib.asynccontextmanager
    async def _talk(self, door: str) -> AsyncIterator[tuple[Talk, Target]]:
        address = (HOST, self._place.ports[door])
        target = Target("", door, address, "localhost", self._trust, in_tls=door.endswith("s"))
        async with talking(self._world, address, self._trust if target.in_tls else None, "localhost") as talk:
            yield talk, target

    @contextlib.asynccontextmanager
    async def _signed_in(self, account: str) -> AsyncIterator[Imap]:
        async with self._talk("imaps") as (talk, target):
            imap = await imap_ready(self._world, talk, target, Steps())
            await imap.do(c.Login(account, PASSWORD))
            yield imap

    async def _receive(self, account: str) -> str:
        """As another server delivers it: without TLS, where that is no better."""
        subject = f"drill {self._world.entropy.token(10)}"
        async with self._talk("mx") as (talk, _):
            smtp = Smtp(talk, "outside.example", secure=False)
            await smtp.event()
            await _hand_over(smtp, "friend@outside.example", account, self._message(account, subject))
        self._taken.setdefault(account, []).append(subject)
        return "ok"

    async def _send(self, account: str) -> str:
        """To somebody here, and to somebody elsewhere."""
        here, there = (f"drill {self._world.entropy.token(10)}" for _ in range(2))
        async with self._talk("submissions") as (talk, target):
            smtp = await smtp_ready(self._world, talk, target, Steps(), "localhost")
            await smtp.sign_in((account, PASSWORD))
            to = next(each.mail for each in self._households if each.mail != account)
            await _hand_over(smtp, account, to, self._message(to, here, account))
            friend = f"friend@{OUTSIDE}"
            await _hand_over(smtp, account, friend, self._message(friend, there, account))
        self._taken.setdefault(to, []).append(here)
        self._onward.add(there)
        until = self._world.clock.monotonic() + ONWARD_S
        while there not in self._place.partners.arrived:
            if self._world.clock.monotonic() > until:
                return "q"
            await self._world.clock.sleep(LOOK_S)
        return "ok"

    async def _imap(self, account: str) -> str:
        async with self._signed_in(account) as imap:
            there = _exists(await imap.do(c.Select("INBOX")))
            self._no_fewer("imap", account, there)
            if not there:
                return "ok"
            newest = c.SequenceSet(((there, there),))
            if not any(_subject(each) for each in await _bodies(imap, newest)):
                raise Fault("FETCH", "the message comes without what stands in it")
            async with _changing():
                await imap.do(c.Store(newest, c.StoreMode.ADD, Flag.FLAGGED))
            return "ok"

    async def _pop3(self, account: str) -> str:
        async with self._talk("pop3s") as (talk, target):
            pop3: Pop3 = await pop3_ready(self._world, talk, target, Steps())
            await pop3.sign_in((account, PASSWORD))
            there = int((await pop3.do("STAT")).text.split()[0])
            self._no_fewer("pop3", account, there)
            if there:
                await pop3.do(f"RETR {there}", multiline=True)
            async with _changing():
                await pop3.do("QUIT")
            return "ok"

    def _no_fewer(self, function: str, account: str, there: int) -> None:
        if there < self._seen.get((function, account), 0):
            raise Gone(f"{there} messages, where there were {self._seen[function, account]}")
        self._seen[function, account] = there

    def _message(self, to: str, subject: str, sender: str = "friend@outside.example") -> bytes:
        head = f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n"
        head += f"Date: {formatdate(self._world.clock.now())}\r\n"
        return f"{head}Message-ID: <{subject.replace(' ', '-')}@drill.example>\r\n\r\n{subject}\r\n".encode()

    # pages

    def _site(self, door: str) -> Site:
        return Site(f"https://localhost:{self._place.ports[door]}", self._trust)

    async def _webmail(self, account: str) -> str:
        web = Web(self._world, self._site("webmail_https"))
        programs = Programs(self._world, self._site("jmap_https"), (account, PASSWORD))
        try:
            await web.get("/healthz/live")
            await programs.sign_in()
            newest = {"sort": [{"property": "receivedAt", "isAscending": False}], "limit": 1}
            ids = (await programs.call("Email/query", newest))["ids"]
            if ids:
                await programs.call("Email/get", {"ids": ids, "properties": ["subject", "preview"]})
                async with _changing():
                    change = {"update": {ids[0]: {"keywords/$flagged": True}}}
                    if (await programs.call("Email/set", change)).get("notUpdated"):
                        return "ro"
            return "ok"
        finally:
            await web.close()
            await programs.close()

    async def _password(self, account: str) -> str:
        """From the one to the other; what was only asked for may be carried out at any time."""
        now = self._passwords[account]
        async with self._visiting("account_https", self._homes[account]) as visitor:
            try:
                await visitor.sign_in(account, now)
            except Turned as turned:
                if turned.temporary:
                    raise
                now = OTHER if now == PASSWORD else PASSWORD
                await visitor.sign_in(account, now)
            new = OTHER if now == PASSWORD else PASSWORD
            fields = {"username": account, "current": now, "new": new, "again": new}
            page = Page((await visitor.send("/password", fields)).body)
            if any(link.startswith("/asked/") for link in page.links):
                return "q"
            if "good" not in page.classes:
                raise Fault("change", "the page doesn't say that it was changed")
            self._passwords[account] = new
            return "ok"

    async def _signup(self, _: str) -> str:
        name = f"drill-{self._world.entropy.token(10).lower()}"
        async with self._visiting("signup_https", _an_address(self._world)) as visitor:
            page = await visitor.page("/")
            await visitor.send("/", {"name": name, "domain": DOMAIN}, page)
            details = {"name": "Drill", "password": PASSWORD, "repeat": PASSWORD}
            await visitor.send("/details", {**details, "spoken": "en", "terms": "on"})
            answer = await visitor.send("/summary", {}, await visitor.page("/summary"))
            path = path_of(answer.headers.get("location", ""))
            until = self._world.clock.monotonic() + SLOW_S
            while "facts" not in (page := await visitor.page(path)).classes:
                if self._world.clock.monotonic() > until:
                    return "q" if "warn" in page.classes else "t"
                await self._world.clock.sleep(LOOK_S)
            return "ok"

    @contextlib.asynccontextmanager
    async def _visiting(self, door: str, address: str) -> AsyncIterator[Visitor]:
        visitor = _FromAfar(self._world, self._site(door), address)
        try:
            yield visitor
        finally:
            await visitor.close()


class _FromAfar(Visitor):
    """From an address of its own, as a proxy tells it: where all come from one, each of them is slowed."""

    def __init__(self, world: World, site: Site, address: str) -> None:
        super().__init__(world, site)
        self._from = {"X-Forwarded-For": address}

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> HttpAnswer:
        return await super().ask(method, path, {**self._from, **(headers or {})}, content)


def _an_address(world: World) -> str:
    a, b = world.entropy.bytes(2)
    return f"198.18.{a}.{b}"


class _OnlyRead(Exception):
    """It could be read and not changed."""


@contextlib.asynccontextmanager
async def _changing() -> AsyncIterator[None]:
    """Whatever goes wrong in here concerns changes alone."""
    try:
        async with asyncio.timeout(TRY_S / 2):
            yield
    except (Turned, Fault, Unavailable, OSError) as error:
        raise _OnlyRead(str(error) or type(error).__name__) from None


def judged(error: Exception) -> tuple[str, str]:
    """The answer that a customer got, by what his program met; and in its words."""
    said = f"{type(error).__name__}: {error}"[:300]
    match error:
        case _OnlyRead():
            return "ro", said
        case Gone():
            return FORBIDDEN, said
        case Turned():
            return ("t" if error.temporary else FORBIDDEN), said
        case Fault():
            return ("t" if error.cause.startswith(_FOR_NOW) or "nreachable" in error.cause else "x"), said
        case Unavailable():
            return ("t" if any(each in error.text for each in _UNAVAILABLE) else "x"), said
        case Refused() | OSError():
            return "x", said
        case _ if isinstance(error, NOT_UNDERSTOOD):
            return "x", said
    raise error


async def _hand_over(smtp: Smtp, sender: str, to: str, message: bytes) -> None:
    """Raises ``Turned`` for any answer but a good one."""
    reply = await smtp.reply_to(Transaction(sender, (Recipient(to),), message))
    if reply.code // 100 != 2:
        raise Turned(str(reply), temporary=reply.temporary)


def _exists(answers: Iterable[object]) -> int:
    return next((each.count for each in answers if isinstance(each, Exists)), 0)


async def _bodies(imap: Imap, which: c.SequenceSet) -> list[bytes]:
    answers = await imap.do(c.Fetch(which, (c.Attribute.UID,), (_WHOLE,)))
    return [each.bytes_of("BODY[]") or b"" for each in answers if isinstance(each, Fetched)]


def given_back(messages: Iterable[bytes], subjects: Iterable[str]) -> list[str]:
    """Which of what went to a valid recipient was returned for good: no fault of ours may do that."""
    reports = [each for each in messages if b"\r\nAction: failed" in each]
    return [each for each in subjects if any(f"Subject: {each}\r\n".encode() in report for report in reports)]


def _subject(message: bytes) -> str:
    """'' for none."""
    lines = message.partition(b"\r\n\r\n")[0].split(b"\r\n")
    found = [line[8:].strip().decode() for line in lines if line.startswith(b"Subject:")]
    return found[0] if found else ""
