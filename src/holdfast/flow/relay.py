"""The relay: takes what waits in the queue to where it belongs, tries again, and tells senders.

Mail for one destination shares connections; a destination that can't be reached puts off all
that waits for it, and holds back no other. Every outcome is durable in the queue's ledger
before the next step; a crash between the other side's 250 and that record can send one
message twice (RFC 5321 §4.1.1.4 knows no better), nothing can lose one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from holdfast.flow import dsn, events
from holdfast.flow.intake import Envelope, Intake
from holdfast.flow.obstacles import Obstacles
from holdfast.flow.queue import DSN_MARK, Again, Entry, EntryId, Fate, Queue, Recipient, Record, Settled
from holdfast.flow.resending import sent_between
from holdfast.flow.trace import Dates
from holdfast.model.address import Address, parse_address
from holdfast.model.envelope import LocalRecipient, RemoteRecipient
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import RELAY_MESSAGES_PER_CONNECTION, Limits
from holdfast.model.mail import START, Position
from holdfast.model.people import Forward, Local, Many, Remote, Route
from holdfast.partners.outbound import Manners, Outbound, Unreachable
from holdfast.wire import smtp
from holdfast.wire.smtp.client import Transaction
from holdfast.wire.smtp.replies import Reply
from holdfast.world import World
from holdfast.world.dns import Resolver

DELAY_TOLD_AFTER_S = 4 * 3600.0
LOOK_AGAIN_S = 5.0
GIVEN_UP = "554 5.0.0 given up by the operator"


Course = Literal["first", "second", "hold"]


class Exit(NamedTuple):
    """A way out. ``smarthost``: (host, port) that takes everything, None to ask the DNS."""

    manners: Manners
    smarthost: tuple[str, int] | None = None


class Settings(NamedTuple):
    """``first``: the way out; ``second``: for when that fails. ``port``: of other servers."""

    first: Exit
    limits: Limits
    second: Exit | None = None
    port: int = 25
    connections: int = 50
    connections_per_destination: int = 5
    enabled: bool = True


class _Job(NamedTuple):
    entry: EntryId
    addresses: tuple[str, ...]


class _Destination:
    """Where mail goes together: a domain, or the smarthost, by one way out."""

    __slots__ = ("jobs", "name", "way", "workers")

    def __init__(self, name: str, way: Exit) -> None:
        self.name = name
        self.way = way
        self.jobs: deque[_Job] = deque()
        self.workers = 0


class Relay:
    """One per volume. ``route`` finds out whether a sender is ours, to be told by local delivery."""

    def __init__(
        self,
        world: World,
        settings: Settings,
        queue: Queue,
        intake: Intake,
        resolver: Resolver,
        route: Callable[[Address], Route],
    ) -> None:
        self._world = world
        self._settings = settings
        self._queue = queue
        self._intake = intake
        self._resolver = resolver
        self._route = route
        self._announced: dict[str, Position] = {}
        self._under_way: set[tuple[EntryId, str]] = set()
        self._way = settings.first
        self._held = not settings.enabled
        self._obstacles = Obstacles(alone=settings.first.smarthost is not None)
        self._destinations: dict[tuple[str, Exit], _Destination] = {}
        self._connections = 0
        self._dates = Dates()
        self._woken = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    # -- what comes in ------------------------------------------------------------

    def announce(self, ledger: str, durable: Position) -> None:
        """An intake's writer says how far its ledger is durable."""
        if durable > self._announced.get(ledger, START):
            self._announced[ledger] = durable
            self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._woken.clear()
            try:
                for ledger, durable in list(self._announced.items()):
                    await self._queue.take(ledger, durable)
                await self._tell_senders()
                if not self._held:
                    self._dispatch()
            except Unavailable as error:
                self._world.journal.emit(
                    events.QUEUE_UNAVAILABLE, component=error.component, error=error.text
                )
            try:
                async with asyncio.timeout(self._until_next()):
                    await self._woken.wait()
            except TimeoutError:
                pass

    def _until_next(self) -> float:
        now = self._world.clock.now()
        due = [
            r.next_at
            for entry in self._queue.entries.values()
            for r in entry.recipients.values()
            if not r.failed and (entry.id, r.address) not in self._under_way
        ]
        return min(LOOK_AGAIN_S, max(0.05, min(due, default=now + LOOK_AGAIN_S) - now))

    async def stop(self) -> None:
        """Begin nothing new; what is being sent may end."""
        self._stopping = True
        for destination in self._destinations.values():
            destination.jobs.clear()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=5.0)
        for task in self._tasks:
            task.cancel()

    # -- an operator --------------------------------------------------------------

    async def retry(self, ids: list[EntryId]) -> int:
        """Try now; all for no ids. How many recipients that concerns."""
        now = self._world.clock.now()
        found = self._queue.find(ids)
        records: list[Record] = [
            Settled(entry.id, "later", tuple(entry.recipients), next_at=now) for entry in found
        ]
        if records:
            await self._queue.write(records)
        self._woken.set()
        return sum(len(entry.recipients) for entry in found)

    async def remove(self, ids: list[EntryId], *, bounce: bool) -> int:
        """Give up; all for no ids. ``bounce``: the senders are told. How many recipients that concerns."""
        found = self._queue.find(ids)
        count = sum(len(entry.recipients) for entry in found)
        records: list[Record] = [
            Settled(entry.id, "failed" if bounce else "removed", tuple(entry.recipients), GIVEN_UP)
            for entry in found
        ]
        if records:
            await self._queue.write(records)
        self._woken.set()
        return count

    async def resend(self, since: float, until: float, *, only_look: bool = False) -> list[Entry]:
        """QUEUE-5: what another server took within that time (UTC seconds) is sent once more, as it was."""
        world, queue = self._world, self._queue
        found = await world.offload(sent_between, world, queue.folder, queue.durable, since, until)
        if found and not only_look:
            await queue.write([Again(each.id, each.ref, tuple(each.recipients)) for each in found])
            self._world.journal.emit(events.RELAY_RESENT, messages=len(found), since=since, until=until)
            self._woken.set()
        return found

    async def steer(self, course: Course) -> None:
        """By the first or the second way from now on, or nothing goes out; until the relay ends.

        What waits is tried again at once. Raises ``Refused`` where there is no second way.
        """
        way = self._settings.second if course == "second" else self._settings.first
        if way is None:
            raise Refused(Reason.NOT_ALLOWED, "there is no second smarthost: see relay.second")
        self._way, self._held = way, course == "hold" or not self._settings.enabled
        for destination in self._destinations.values():
            while destination.jobs:
                self._done(destination.jobs.popleft())
        self._world.journal.emit(events.RELAY_STEERED, course=course)
        if not self._held:
            await self.retry([])

    @property
    def entries(self) -> list[Entry]:
        return list(self._queue.entries.values())

    def fates(self, entry: EntryId, addresses: Iterable[str]) -> dict[str, Fate]:
        """See ``Queue.fates``."""
        return self._queue.fates(entry, addresses)

    # -- sending ------------------------------------------------------------------

    def _dispatch(self) -> None:
        """Put what is due into its destination's line; begin workers."""
        now = self._world.clock.now()
        for entry in self._queue.entries.values():
            due: dict[str, list[str]] = {}
            for recipient in entry.recipients.values():
                if recipient.failed or recipient.next_at > now:
                    continue
                if (entry.id, recipient.address) in self._under_way:
                    continue
                due.setdefault(self._destination_of(recipient), []).append(recipient.address)
            for name, addresses in due.items():
                self._under_way.update((entry.id, address) for address in addresses)
                key = name, self._way
                destination = self._destinations.setdefault(key, _Destination(*key))
                destination.jobs.append(_Job(entry.id, tuple(addresses)))
        for destination in list(self._destinations.values()):
            self._start_workers(destination)

    def _destination_of(self, recipient: Recipient) -> str:
        if self._way.smarthost is not None:
            return self._way.smarthost[0]
        return recipient.address.rpartition("@")[2].lower()

    def _start_workers(self, destination: _Destination) -> None:
        most = self._settings.connections_per_destination
        while (
            not self._stopping
            and destination.workers < min(most, len(destination.jobs))
            and self._connections < self._settings.connections
        ):
            destination.workers += 1
            self._connections += 1
            task = asyncio.get_running_loop().create_task(self._work(destination))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self, destination: _Destination) -> None:
        """One connection's life: as many of the destination's messages as it takes."""
        try:
            outbound = await self._connect(destination)
            for _ in range(RELAY_MESSAGES_PER_CONNECTION):
                if not destination.jobs or not outbound.usable:
                    break
                await self._send(outbound, destination.jobs.popleft(), destination.way)
            outbound.quit()
        except Unreachable as error:
            self._tell(destination.way, self._obstacles.unreachable(destination.name, error.reply, self._now))
            await self._put_off(destination, error.reply)
        except Refused as refused:
            await self._put_off(destination, Reply(550, "5.1.2", refused.text))
        except Unavailable as error:
            self._tell(destination.way, self._obstacles.no_name(destination.name, self._now))
            await self._put_off(destination, Reply(451, "4.4.3", str(error)))
        finally:
            destination.workers -= 1
            self._connections -= 1
            if not destination.workers and not destination.jobs:
                self._destinations.pop((destination.name, destination.way), None)
            self._woken.set()

    async def _connect(self, destination: _Destination) -> Outbound:
        """The first host of the destination that talks to us."""
        name, (manners, smarthost) = destination.name, destination.way
        hosts = [name] if smarthost is not None else await self._resolver.mail_hosts(name)
        port = smarthost[1] if smarthost is not None else self._settings.port
        last: Exception = Unreachable(Reply(451, "4.4.4", f"no host for {name}"))
        for host in hosts:
            try:
                addresses = await self._addresses(host)
            except (Refused, Unavailable) as error:
                last = error
                continue
            for address in addresses:
                try:
                    return await Outbound.open(self._world, manners, host, address, port)
                except Unreachable as error:
                    last = error
        raise last

    async def _addresses(self, host: str) -> list[str]:
        if host.startswith("["):  # an address literal, RFC 5321 §4.1.3
            return [host.strip("[]").removeprefix("IPv6:")]
        if host.replace(".", "").isdecimal() or ":" in host:
            return [host]
        return await self._resolver.addresses(host)

    async def _send(self, outbound: Outbound, job: _Job, way: Exit) -> None:
        entry = self._queue.entries.get(job.entry)
        recipients = [] if entry is None else [r for a in job.addresses if (r := entry.recipients.get(a))]
        if entry is None or not recipients:
            self._done(job)
            return
        message = self._queue.message(entry)
        if message is None:
            reply = Reply(550, "5.6.0", "the message is damaged on our disk")
            await self._settle(job, {r.address: reply for r in recipients})
            return
        transaction = Transaction(
            entry.sender,
            tuple(smtp.client.Recipient(r.address, r.notify, r.orcpt) for r in recipients),
            message,
            entry.body_8bit,
            entry.smtputf8,
            entry.ret,
            entry.envid,
        )
        begun = self._world.clock.monotonic()
        try:
            outcomes = await outbound.send(transaction)
        except Unreachable as error:
            await self._settle(job, {r.address: error.reply for r in recipients}, begun)
            return
        for outcome in outcomes:
            self._note(way, outcome)
        await self._settle(job, {outcome.recipient.address: outcome.reply for outcome in outcomes}, begun)

    def _note(self, way: Exit, outcome: smtp.client.Outcome) -> None:
        """What it says of our way out that this one was taken, or wasn't."""
        domain, reply = outcome.recipient.address.rpartition("@")[2].lower(), outcome.reply
        if outcome.delivered:
            self._obstacles.taken(domain)
        else:
            self._tell(way, self._obstacles.refused(domain, reply, self._now))

    def _tell(self, way: Exit, component: str) -> None:
        """``component``: '' for nothing. Of the second way nothing is told: it is nobody's component."""
        if component and way is self._settings.first:
            self._world.journal.emit(events.RELAY_BLOCKED, component=component)

    @property
    def _now(self) -> float:
        return self._world.clock.now()

    async def _put_off(self, destination: _Destination, reply: Reply) -> None:
        """The destination can't be reached: everything in its line has had its try."""
        jobs, destination.jobs = list(destination.jobs), deque()
        for job in jobs:
            await self._settle(job, dict.fromkeys(job.addresses, reply))

    async def _settle(self, job: _Job, replies: dict[str, Reply], begun: float | None = None) -> None:
        """Write down what became of each recipient. Kept in the queue as it was when that fails.

        ``begun``: when the message was offered, monotonic; None: it wasn't.
        """
        seconds = self._world.clock.monotonic() - begun if begun is not None else 0.0
        now = self._world.clock.now()
        entry = self._queue.entries.get(job.entry)
        records: list[Settled] = []
        for address, reply in replies.items():
            recipient = entry.recipients.get(address) if entry is not None else None
            if entry is None or recipient is None:
                continue
            text = f"{reply.code} {reply.enhanced} {reply.text}".strip()
            if reply.code // 100 == 2:
                records.append(Settled(entry.id, "sent", (address,), text, at=now))
            elif now - entry.received_at > self._settings.limits.queue_life_s or not self._again(
                address, reply
            ):
                records.append(Settled(entry.id, "failed", (address,), text))
            else:
                records.append(
                    Settled(entry.id, "later", (address,), text, now + self._pause(recipient.tries))
                )
            self._world.journal.emit(
                events.RELAY_TRIED,
                entry=entry.id,
                trace=entry.trace,
                result=records[-1].what,
                reply=text[:200],
                seconds=round(seconds, 6),
            )
        try:
            if records:
                await self._queue.write(list(records))
        except Unavailable as error:
            self._world.journal.emit(events.QUEUE_UNAVAILABLE, component=error.component, error=error.text)
            await self._world.clock.sleep(1.0)
        self._done(job)

    def _again(self, address: str, reply: Reply) -> bool:
        """Whether another try may end otherwise."""
        domain = address.rpartition("@")[2].lower()
        return reply.code // 100 != 5 or self._obstacles.waits(domain, reply, self._now)

    def _pause(self, tries: int) -> float:
        """Until the next try: twice as long each time, spread a little so that no wave forms."""
        limits = self._settings.limits
        pause: float = min(limits.retry_first_s * 2.0 ** min(tries, 20), limits.retry_longest_s)
        return pause * self._world.entropy.uniform(0.9, 1.1)

    def _done(self, job: _Job) -> None:
        for address in job.addresses:
            self._under_way.discard((job.entry, address))
        self._woken.set()

    # -- telling senders ----------------------------------------------------------

    async def _tell_senders(self) -> None:
        now = self._world.clock.now()
        for entry in list(self._queue.entries.values()):
            failed = [r for r in entry.recipients.values() if r.failed]
            if failed:
                await self._report(entry, "failed", failed)
            late = now - entry.received_at > DELAY_TOLD_AFTER_S
            waiting = [
                r
                for r in entry.recipients.values()
                if late and not r.failed and not r.delay_told and "DELAY" in r.notify.upper()
            ]
            if waiting:
                await self._report(entry, "delayed", waiting)

    async def _report(self, entry: Entry, action: dsn.Action, recipients: list[Recipient]) -> None:
        """Write a report into our own intake, then note it (QUEUE-3). RFC 3461 §5.2.

        None is written about a report (null sender), nor where NOTIFY asks for none.
        """
        wanted = [r for r in recipients if not r.notify or action.upper()[:4] in r.notify.upper()]
        if entry.sender and wanted:
            try:
                envelope = self._envelope(entry, action, wanted)
            except Refused:
                envelope = None  # the sender's address leads nowhere: nobody to tell
            if envelope is not None:
                receipt = self._intake.submit(envelope, self._report_text(entry, action, wanted))
                written = (await receipt.written)[0]
                self._intake.acknowledged(written.sequence)
                self._world.journal.emit(
                    events.SENDER_TOLD, entry=entry.id, action=action, recipients=len(wanted)
                )
        addresses = tuple(r.address for r in recipients)
        await self._queue.write([Settled(entry.id, "told" if action == "failed" else "delayed", addresses)])

    def _envelope(self, entry: Entry, action: dsn.Action, recipients: list[Recipient]) -> Envelope:
        sender = parse_address(entry.sender)
        local: list[LocalRecipient] = []
        remote: list[RemoteRecipient] = []
        route = self._route(sender)
        for each in route.routes if isinstance(route, Many) else (route,):
            if isinstance(each, Local):
                local.append(LocalRecipient(each.account, each.cell, entry.sender, each.detail))
            elif isinstance(each, Forward | Remote):
                remote.append(RemoteRecipient(str(each.address)))
        if not local and not remote:
            raise Refused(Reason.NO_SUCH_USER)
        addresses = ",".join(r.address for r in recipients)
        mark = f"{DSN_MARK}{entry.id}/{addresses}" if action == "failed" else ""
        return Envelope("", tuple(local), tuple(remote), envid=mark)

    def _report_text(self, entry: Entry, action: dsn.Action, recipients: list[Recipient]) -> bytes:
        now = self._world.clock.now()
        return dsn.write(
            dsn.Report(
                action=action,
                host=self._settings.first.manners.name,
                to=entry.sender,
                recipients=tuple((r.address, r.orcpt, r.reply) for r in recipients),
                message=self._queue.message(entry) or b"",
                date=self._dates.at(now),
                arrived=self._dates.at(entry.received_at),
                until=self._dates.at(entry.received_at + self._settings.limits.queue_life_s),
                boundary=f"hf-{self._world.entropy.token(12)}",
                envid=entry.envid,
                full=entry.ret.upper() == "FULL",
            )
        )
