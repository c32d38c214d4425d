"""All that a client can see of an account, to be compared: before and after an index was made anew."""

from __future__ import annotations

import imaplib
import poplib
import re
from itertools import zip_longest
from pathlib import Path

from e2e.programs import whole
from e2e.service import Service, until

EVERYTHING = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE MODSEQ)"


def snapshots(service: Service) -> dict[str, dict[str, object]]:
    return {name: snapshot(service, name) for name in service.people}


def same(before: dict[str, dict[str, object]], after: dict[str, dict[str, object]]) -> bool:
    """Whether two ``snapshots`` are equal; fails with the first few differences."""
    found = []
    for name, seen in before.items():
        for what, value in seen.items():
            now = after[name].get(what)
            if now != value and isinstance(value, list) and isinstance(now, list):
                found += [(name, what, a, b) for a, b in zip_longest(value, now) if a != b]
            elif now != value:
                found.append((name, what, value, now))
    assert not found, "\n".join(str(each)[:1000] for each in found[:5])
    return before == after


def mailboxes(client: imaplib.IMAP4) -> list[str]:
    """Names, quoted."""
    return [line.decode().rpartition(' "/" ')[2] for line in client.list()[1]]


def snapshot(service: Service, name: str) -> dict[str, object]:
    """Of one account: mailboxes, subscriptions, counters, every message's data, and POP3's names."""
    client = service.imap(name)
    seen: dict[str, object] = {"list": client.list()[1], "lsub": client.lsub()[1]}
    for mailbox in mailboxes(client):
        items = "(MESSAGES UNSEEN UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"
        seen[f"status {mailbox}"] = client.status(mailbox, items)[1]
        _, [count] = client.select(mailbox, readonly=True)
        assert client.state == "SELECTED"
        seen[f"fetch {mailbox}"] = client.fetch("1:*", EVERYTHING)[1] if int(count) else []
    client.logout()
    pop = service.pop3(name)
    seen["pop3"] = pop.list()[1], pop.uidl()[1]
    pop.quit()
    return seen


def count(service: Service, name: str, mailbox: str = "INBOX") -> int:
    """How many messages a mailbox has; -1 when the service can't say now."""
    try:
        client = service.imap(name)
        kind, [answer] = client.status(mailbox, "(MESSAGES)")
        client.logout()
    except (OSError, imaplib.IMAP4.error):
        return -1
    found = re.search(rb"MESSAGES (\d+)", answer or b"")
    return int(found[1]) if kind == "OK" and found else -1


def by_imap(service: Service, name: str) -> list[bytes]:
    """Every message of every mailbox, sorted, less our trace headers."""
    client = service.imap(name)
    found = []
    for mailbox in mailboxes(client):
        if int(client.select(mailbox, readonly=True)[1][0]):
            answer = client.fetch("1:*", "(BODY.PEEK[])")[1]
            found += [whole(each[1]) for each in answer if isinstance(each, tuple)]
    client.logout()
    return sorted(found)


def by_pop3(service: Service, name: str) -> list[bytes]:
    """Every message of INBOX, sorted, less our trace headers."""
    poplib._MAXLINE = 1 << 20  # type: ignore[attr-defined]  # real mail has long lines, and it refuses them
    client = service.pop3(name)
    count = client.stat()[0]
    found = [whole(b"\r\n".join(client.retr(number + 1)[1]) + b"\r\n") for number in range(count)]
    client.quit()
    return sorted(found)


def index_files(service: Service) -> list[Path]:
    return sorted((service.data / "volumes" / "v1" / "index").glob("cell-*.sqlite"))


def remove_indexes(service: Service, *, only: int | None = None) -> None:
    """All, or one cell's; whether it runs or stands."""
    for path in index_files(service):
        if only is None or path.name == f"cell-{only:02d}.sqlite":
            for suffix in ("", "-wal", "-shm"):
                Path(f"{path}{suffix}").unlink(missing_ok=True)


def wait_rebuilt(service: Service, cells: int, since: int) -> None:
    """Until `cells` more indexes than `since` were made."""
    until(lambda: len(service.events("index_rebuilt")) >= since + cells)


def cell_of(service: Service, name: str) -> int:
    """The cell of an account."""
    done = service.holdfast("account", "list", "--json")
    [line] = [line for line in done.stdout.splitlines() if f'"{name}@' in line]
    found = re.search(r'"cell": ?(\d+)', line)
    assert found is not None, line
    return int(found.group(1))
