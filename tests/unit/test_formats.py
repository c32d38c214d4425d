"""What docs/formats says is what is written: each example, each record, each field and its default."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from holdfast.directory import asked
from holdfast.directory import records as r
from holdfast.directory import requests as q
from holdfast.flow.queue import Again, Settled, Taken
from holdfast.flow.queue import _encode as encode_queue
from holdfast.model.envelope import Delivery, LocalRecipient, RemoteRecipient, Started
from holdfast.model.ledgers import Kind, ledger_number
from holdfast.model.mail import START, PackRef, Position
from holdfast.model.uidset import UidSet
from holdfast.store import commands as c
from holdfast.store.frames import CommandMeta, Merged, MessageMeta, Placed, encode
from holdfast.store.writer import _command_frame
from holdfast.watch.changes import Change
from holdfast.watch.diagnosis import report as d
from holdfast.watch.incidents import record as i

FORMATS = Path(__file__).parents[2] / "docs" / "formats"
NOON = 1_345_032_000.0
HEAD = {"at", "by", "why", "once"}  # of every record of people


def page(name: str) -> str:
    return (FORMATS / name).read_text(encoding="utf-8")


def examples(name: str) -> list[bytes]:
    return [bytes.fromhex(block) for block in re.findall(r"```hex\n(.*?)```", page(name), re.S)]


def with_size(meta: bytes) -> bytes:
    return len(meta).to_bytes(4, "little") + meta


def test_the_examples_of_people_are_what_is_written() -> None:
    records: list[r.AnyRecord] = [
        r.DomainMade(at=NOON, name="example.org"),
        r.AccountMade(at=NOON, address="ann@example.org", cell=7, name="Ann"),
    ]
    assert examples("people.md") == [r.encode_record(record) for record in records]
    assert [r.decode_record(body) for body in examples("people.md")] == records


def test_the_examples_of_asked_are_what_is_written() -> None:
    request = asked.encode_request(q.SignOut(account=7, once="k"))
    record = asked.Asked(at=NOON, ticket="t" * 26, request=request)
    assert examples("asked.md") == [asked.encode_asked(record)]


def test_every_field_of_asked_stands_in_its_page() -> None:
    text = page("asked.md")
    for record in (asked.Asked, asked.CarriedOut, asked.TurnedDown):
        assert f"`{record.__struct_config__.tag}`" in text
        assert [name for name in record.__struct_fields__ if f"`{name}`" not in text] == []


def test_the_examples_of_incidents_are_what_is_written() -> None:
    entries: list[i.AnyEntry] = [
        i.Opened(at=NOON, incident=1, since={"imap": NOON - 5}),
        i.Note(at=NOON, incident=1, text="disk ordered", by="ann"),
    ]
    assert examples("incidents.md") == [i.encode_entry(entry) for entry in entries]
    assert [i.decode_entry(body) for body in examples("incidents.md")] == entries


def test_every_entry_of_incidents_and_what_is_within_them_is_described() -> None:
    within = {
        "failing": i.Failing,
        "hit": i.Hit,
        "report": d.Report,
        "cause": d.NamedCause,
        "shown": d.Shown,
        "cleared": d.Cleared,
        "rival": d.Rival,
        "change": Change,
    }
    said, kinds = described("incidents.md"), get_args(i.AnyEntry)
    entries = {record: set(fields) for record, fields in said.items() if record not in within}
    assert entries == kept(kinds, {"at", "incident"})
    tagged = {str(kind.__struct_config__.tag): kind for kind in kinds}
    for record, kind in (tagged | within).items():
        for field in msgspec.structs.fields(kind):
            if field.encode_name not in ("at", "incident"):
                assert field.required == (said[record][field.encode_name] == ""), (record, field.encode_name)


def test_the_examples_of_mail_are_what_is_written() -> None:
    delivery = Delivery(
        "bob@example.net",
        (LocalRecipient(2, 7, "ann@example.org"),),
        (RemoteRecipient("c@example.com", "NEVER"),),
        NOON,
        "t1",
        20,
    )
    seen = c.StoreFlags(
        account=2, cell=7, mailbox=2 << 20 | 1, uids=UidSet.of([1, 2, 3, 9]).pack(), mode="add", flags=1
    )
    command = b"".join(_command_frame(seen, NOON).body)  # type: ignore[arg-type]
    laid = c.NewMessage(b"", 1, (), NOON, c.Laid(33, 1, 9000, 64, 14, 10))
    several = c.AppendAll(account=2, cell=7, mailbox="INBOX", messages=(laid,))
    placed = Placed(17, 1, 8200, 800, 88, 650, NOON, (LocalRecipient(2, 7, "", "lists"),))
    assert examples("mail.md") == [
        with_size(encode(delivery)),
        with_size(encode(Started(NOON, (17, 18)))),
        encode(Merged("mx-0", Position(1, 8192), Position(1, 9000), NOON, (placed,))),
        command,
        with_size(encode(MessageMeta(NOON))),
        with_size(encode(CommandMeta(NOON, several))),
        encode_queue(Taken("mx-0", START, Position(1, 9000))),
        encode_queue(Settled("mx-0:17", "later", ("c@example.com",), "451 busy", NOON + 60)),
        encode_queue(Again("mx-0:17", PackRef(1, 8200, 800), ("c@example.com",))),
    ]
    assert command == with_size(encode(CommandMeta(NOON, seen)))


def test_the_message_of_an_append_stands_behind_its_meta() -> None:
    command = c.Append(account=2, cell=7, mailbox="INBOX", message=b"Subject: x\r\n\r\n")
    meta, message = _command_frame(command, NOON).body
    assert isinstance(meta, bytes) and message == command.message
    assert meta[:4] == len(meta[4:]).to_bytes(4, "little")
    assert msgspec.msgpack.decode(meta[4:])[1]["message"] == b""


def described(name: str) -> dict[str, dict[str, str]]:
    """Of the tables whose first column names records: record → field → default as written."""
    found: dict[str, dict[str, str]] = {}
    current: list[str] = []
    for line in page(name).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 5:
            continue
        if named := re.findall(r"`(\w+)`", cells[0]):
            current = named
            found |= {record: {} for record in named}
        for record in current:
            found[record] |= dict.fromkeys(re.findall(r"`(\w+)`", cells[1]), cells[3])
    return {record: fields for record, fields in found.items() if record not in ("is", "do")}


def kept(kinds: tuple[Any, ...], beside: set[str]) -> dict[str, set[str]]:
    return {
        str(kind.__struct_config__.tag): {f.encode_name for f in msgspec.structs.fields(kind)} - beside
        for kind in kinds
    }


@pytest.mark.parametrize(
    ("name", "kinds", "beside"),
    [("people.md", get_args(r.AnyRecord), HEAD), ("mail.md", get_args(c.AnyCommand), {"account", "cell"})],
)
def test_every_record_is_described_with_all_its_fields(
    name: str, kinds: tuple[Any, ...], beside: set[str]
) -> None:
    assert {record: set(fields) for record, fields in described(name).items()} == kept(kinds, beside)


@pytest.mark.parametrize("kind", get_args(r.AnyRecord))
def test_what_has_no_default_in_people_is_always_there(kind: Any) -> None:
    fields = described("people.md")[kind.__struct_config__.tag]
    for field in msgspec.structs.fields(kind):
        if field.encode_name not in HEAD:
            assert field.required == (fields[field.encode_name] == ""), field.encode_name


def test_the_numbers_of_ledgers_and_kinds_are_the_codes() -> None:
    rows = re.findall(r"^\| `([a-z]+)(?:-N)?` \| (\d+)(?: \+ N)? \|", page("mail.md"), re.M)
    assert len(rows) == 7
    for name, number in rows:
        assert ledger_number(name if int(number) < 256 else f"{name}-0") == int(number)
    assert ledger_number("people") == 2
    named = {int(number): name for number, name in re.findall(r"\b(\d+) ([A-Z]{5,})\b", page("mail.md"))}
    assert named | {32: "PEOPLE", 64: "ASKED", 80: "INCIDENT"} == {kind.value: kind.name for kind in Kind}


def test_a_record_of_a_later_version_is_told_apart_from_one_with_more_fields() -> None:
    more = msgspec.msgpack.encode({"is": "customer_made", "at": NOON, "name": "Smith", "colour": "blue"})
    assert r.decode_record(more) == r.CustomerMade(at=NOON, name="Smith")
    for strange in ({"is": "customer_merged", "at": NOON}, {"is": "customer_made", "at": NOON, "name": 7}):
        with pytest.raises(msgspec.DecodeError):
            r.decode_record(msgspec.msgpack.encode(strange))
    assert msgspec.msgpack.decode(encode((NOON, (1,), "more")), type=Started) == Started(NOON, (1,))
    assert msgspec.msgpack.decode(encode((NOON,)), type=Started) == Started(NOON)
