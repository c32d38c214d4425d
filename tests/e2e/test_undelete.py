"""Removed mail is brought back, and all mail is taken along: with the real processes."""

from __future__ import annotations

import json
import mailbox
import zipfile

import pytest

from e2e.service import DOMAIN, until
from e2e.snapshots import cell_of, count, remove_indexes, same, snapshots, wait_rebuilt
from holdfast.model.uidset import UidSet
from holdfast.run import doors, reading
from holdfast.store import Restore
from holdfast.world import real_world, run

pytestmark = pytest.mark.slow


def bring_back(service, name: str = "anna") -> list[str]:
    """Everything of the account that is gone; the names of the mailboxes it was in."""
    config = reading.load(str(service.config_path), {})

    async def work() -> list[str]:
        world = real_world(level="warn")
        async with doors.people(world, config) as people, doors.store(world, config) as store:
            account = await people.account(f"{name}@{DOMAIN}")
            gone = store.account(account.id, account.cell).gone()
            rows = UidSet.of(row.number for row in gone).pack()
            await store.commit_one(Restore(account=account.id, cell=account.cell, rows=rows))
            return [row.name for row in gone]

    return run(work())


def test_expunged_mail_comes_back_to_a_client_that_is_there_and_a_rebuild_tells_the_same(service):
    for number in range(4):
        service.send(f"m{number}")
    until(lambda: count(service, "anna") == 4)
    client = service.imap()
    client.select()
    client.store("1,3", "+FLAGS", "(\\Seen \\Deleted)")
    client.expunge()
    client.create("Work")
    client.copy("1", "Work")
    client.delete("Work")
    pop = service.pop3()
    pop.dele(2)
    pop.quit()
    assert service.subjects() == ["m1"]
    assert bring_back(service) == ["INBOX", "Work", "INBOX", "INBOX"]
    assert client.noop()[0] == "OK"
    assert client.select()[1] == [b"5"]
    _, found = client.fetch("1:*", "(FLAGS)")
    assert not any(b"Deleted" in line for line in found) and sum(b"Seen" in line for line in found) == 2
    client.logout()
    assert sorted(service.subjects()) == ["m0", "m1", "m1", "m2", "m3"]
    assert bring_back(service) == []
    before = snapshots(service)
    rebuilt = len(service.events("index_rebuilt"))
    remove_indexes(service, only=cell_of(service, "anna"))
    wait_rebuilt(service, 1, rebuilt)
    assert same(before, snapshots(service))


def test_an_export_has_everything_with_the_store_gone_and_never_writes_over_a_file(service, tmp_path):
    for number in range(3):
        service.send(f"m{number}", body="From me\r\n")
    until(lambda: count(service, "anna") == 3)
    client = service.imap()
    client.select()
    client.store("2", "+FLAGS", "(\\Seen $Work)")
    client.copy("3", "Trash")
    client.select("Trash")
    client.store("1", "+FLAGS", "(\\Deleted)")
    client.expunge()
    client.logout()
    file = tmp_path / "anna.zip"
    service.stop()
    done = service.holdfast("export", f"anna@{DOMAIN}", str(file), "--removed")
    assert done.returncode == 0, done.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(file) as read:
        folders = {each["name"]: each for each in json.loads(read.read("mail.json"))["folders"]}
        assert folders["INBOX"]["messages"] == 3 and folders["Sent"]["role"] == "sent"
        assert read.read("removed.mbox").count(b"Subject: m2") == 1
        read.extract(folders["INBOX"]["file"], tmp_path)
    found = list(mailbox.mbox(str(tmp_path / folders["INBOX"]["file"]), create=False))
    assert [each["Subject"] for each in found] == ["m0", "m1", "m2"]
    assert [each.get_flags() for each in found] == ["O", "RO", "O"]
    assert found[1]["X-Keywords"] == "$Work" and found[0].get_payload() == ">From me\n"
    assert service.holdfast("export", f"anna@{DOMAIN}", str(file)).returncode == 2
    service.start()
    done = service.holdfast("import", "mbox", str(tmp_path / folders["INBOX"]["file"]), f"ben@{DOMAIN}")
    assert done.returncode == 0, done.stderr
    assert service.subjects("ben") == ["m0", "m1", "m2"]
