"""Indexes are made from the packs: taken away, they come back the same; a bad frame costs one message."""

from __future__ import annotations

import json
import poplib

import pytest

from e2e.service import until
from e2e.snapshots import cell_of, count, remove_indexes, same, snapshots, wait_rebuilt

pytestmark = pytest.mark.slow


def test_a_new_installation_has_its_mailboxes_as_soon_as_it_says_it_is_ready(service):
    for name in service.people:
        assert service.subjects(name) == []


def test_one_cell_s_index_comes_back_the_same_while_it_runs_and_while_it_stands(service):
    for number in range(20):
        service.send(f"m{number}", to=service.people[number % 3])
    until(lambda: [count(service, name) for name in service.people] == [7, 7, 6])
    client = service.imap()
    client.select()
    client.store("1:3", "+FLAGS", "(\\Seen $Work)")
    client.create("Kept")
    client.uid("MOVE", "2", "Kept")
    client.store("1", "+FLAGS", "(\\Deleted)")
    client.expunge()
    client.logout()
    before = snapshots(service)
    cell = cell_of(service, "anna")
    for _ in range(2):
        rebuilt = len(service.events("index_rebuilt"))
        remove_indexes(service, only=cell)
        wait_rebuilt(service, 1, rebuilt)
        assert same(before, snapshots(service))
    service.stop()
    remove_indexes(service, only=cell)
    service.start()
    assert same(before, snapshots(service))
    service.send("after")
    until(lambda: service.subjects()[-1:] == ["after"])
    client = service.imap()
    assert b"UIDNEXT 9" in client.status("INBOX", "(UIDNEXT)")[1][0]  # no number is given twice
    client.logout()


def test_mail_comes_in_and_is_flagged_while_its_index_is_made_anew(service):
    """STORE-6: the removed index serves until the new one is there, and what came meanwhile is in that."""
    for number in range(50):
        service.send(f"m{number}")
    until(lambda: count(service, "anna") == 50)
    client = service.imap()
    client.select()
    cell, rebuilt = cell_of(service, "anna"), len(service.events("index_rebuilt"))
    remove_indexes(service, only=cell)
    for number in range(50, 80):
        service.send(f"m{number}")
        assert client.store(str(number - 49), "+FLAGS", "(\\Flagged)")[0] == "OK"
    wait_rebuilt(service, 1, rebuilt)
    until(lambda: count(service, "anna") == 80)
    assert service.subjects() == [f"m{number}" for number in range(80)]
    assert client.search(None, "FLAGGED")[1] == [b" ".join(b"%d" % (n + 1) for n in range(30))]
    client.logout()


def damage(service, ledger, marker):
    """Overwrites a few bytes of the body that has ``marker``, on the disk."""
    [pack] = sorted((service.data / "volumes" / "v1" / ledger).glob("*.pack"))
    at = pack.read_bytes().index(marker)
    with pack.open("r+b") as file:
        file.seek(at)
        file.write(b"\0" * len(marker))


@pytest.mark.parametrize("then", ["nothing", "restart", "rebuild"])
def test_one_damaged_frame_costs_one_message_and_is_reported(service, then):
    for number in range(5):
        service.send(f"m{number}", body=f"body of {number}\r\n")
    until(lambda: count(service, "anna") == 5)
    assert service.holdfast("pack", "verify", "--json").returncode == 0
    damage(service, "mx-0", b"body of 2")
    if then == "restart":
        service.stop()
        service.start()
    elif then == "rebuild":
        assert service.holdfast("index", "rebuild", "--all").returncode == 0

    client = service.imap()
    assert client.select()[1] == [b"5"]
    for number in range(5):
        kind, found = client.fetch(str(number + 1), "(UID BODY.PEEK[TEXT])")
        if number == 2:
            assert kind == "NO" or f"body of {number}".encode() not in b"".join(
                each[1] for each in found if isinstance(each, tuple)
            )
        else:
            assert kind == "OK" and found[0][1] == f"body of {number}\r\n".encode()
    kind, found = client.fetch("1:*", "(UID FLAGS RFC822.SIZE)")
    assert kind == "OK" and len(found) == 5
    client.logout()

    pop = service.pop3()
    assert pop.stat()[0] == 5
    assert [line.split()[0] for line in pop.uidl()[1]] == [b"1", b"2", b"3", b"4", b"5"]
    for number in range(5):
        if number == 2:
            with pytest.raises(poplib.error_proto, match="-ERR"):
                pop.retr(number + 1)
        else:
            assert pop.retr(number + 1)[1][-1] == f"body of {number}".encode()
    pop.quit()

    done = service.holdfast("pack", "verify", "--json")
    assert done.returncode == 2
    reports = {json.loads(line)["ledger"]: json.loads(line) for line in done.stdout.splitlines()}
    assert not reports["v1/mx-0"]["good"] and len(reports["v1/mx-0"]["bad"]) == 1
    assert all(report["good"] for name, report in reports.items() if name != "v1/mx-0")
    service.send("after")
    until(lambda: service.subjects()[-1:] == ["after"])
