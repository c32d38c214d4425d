"""Many accounts from CSV: the report first, then what it said, and on after a break."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.functions.admin.imports import COLUMNS, as_line, read_lines
from holdfast.functions.admin.shapes import LineFault
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.people import AdminRole
from unit.directory.people_service import CHEAP
from unit.functions.admin.office import Answer, Office, in_office

CSV = {"content-type": "text/csv"}


async def send(office: Office, text: str, digest: str = "", who: str = "owner") -> Answer:
    query = f"?digest={digest}" if digest else ""
    return await office.ask("POST", f"/v1/imports{query}", who, raw=text.encode(), headers=CSV)


async def carried_out(office: Office, text: str, who: str = "owner") -> dict[str, Any]:
    """The report of an import that was run to its end."""
    digest = (await send(office, text, who=who)).json["digest"]
    assert (await send(office, text, digest, who)).status == 200
    return await ended(office, digest, who)


async def ended(office: Office, digest: str, who: str = "owner") -> dict[str, Any]:
    for _ in range(1000):
        report: dict[str, Any] = (await office.ask("GET", f"/v1/imports/{digest}", who)).json
        if report["state"] != "running":
            return report
        await office.world.clock.sleep(0.05)
    raise AssertionError("it never ended")


# Reading the file


def test_columns_are_named_by_the_first_line_in_any_order_and_by_commas_or_semicolons():
    for text in ("name,address\nAnn,a@x.example\n", "\ufeffname;address\r\nAnn;a@x.example\r\n"):
        assert list(read_lines(text.encode())) == [(2, {"name": "Ann", "address": "a@x.example"})]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "address"),
        (b"name\nAnn\n", "address"),
        (b"address,nmae\n", "nmae"),
        (b"address,address\n", "twice"),
        (b"address\n\xff\n", "UTF-8"),
        (b'address\n"a@x.example\n', "line"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_and_told_why(content: bytes, says: str):
    with pytest.raises(Refused, match=says):
        list(read_lines(content))


def test_a_line_with_other_columns_than_the_first_is_a_fault_with_its_number():
    [_, (number, fault)] = read_lines(b"address,name\na@x.example,A\nb@x.example\n")
    assert isinstance(fault, LineFault) and number == fault.line == 3


def test_every_column_reaches_the_account():
    row = {
        "address": "a@x.example",
        "name": "Ann",
        "credential": CHEAP,
        "customer": "c1",
        "contract": "K-7",
        "quota_bytes": "100",
        "daily_recipients": "5",
        "phone": "+4930123456",
        "second_address": "a@elsewhere.example",
        "language": "de",
        "external_id": "e1",
    }
    assert {*row, "password"} == set(COLUMNS)
    line = as_line(2, row)
    account = line.account
    assert (line.customer, line.contract) == ("c1", "K-7")
    assert (account.quota_bytes, account.daily_recipients, account.external_id) == (100, 5, "e1")
    assert account.contact is not None
    contact = account.contact
    assert (contact.phone, contact.address, contact.language) == (
        "+4930123456",
        "a@elsewhere.example",
        "de",
    )


# Reports and what comes of them


@pytest.mark.slow
def test_admin_9_a_report_says_what_would_happen_and_makes_nothing(world):
    async def work(office: Office) -> None:
        lines = [
            "new@north.example,1",
            "new@north.example,1",  # twice
            "ann@north.example,1",  # there
            "gone@north.example,1",  # was somebody's
            "x@nowhere.example,1",
            "y@north.example,many",
            "no address,1",
        ]
        report = (await send(office, "address,quota_bytes\n" + "\n".join(lines))).json
        assert (report["state"], report["lines"]) == ("reported", 7)
        assert (report["new"], report["there"], report["wrong"]) == (1, 1, 5)
        assert [fault["line"] for fault in report["faults"]] == [3, 5, 6, 7, 8]
        assert "line 2" in report["faults"][0]["text"] and "many" in report["faults"][3]["text"]
        assert (await office.ask("GET", "/v1/accounts/new@north.example")).status == 404

    in_office(world, work)


@pytest.mark.slow
def test_an_import_makes_accounts_with_their_customers_contracts_and_contacts(world):
    async def work(office: Office) -> None:
        text = (
            "address,credential,customer,contract,phone,language,quota_bytes\n"
            f"one@north.example,{CHEAP.replace(',', '')},firm,K-1,+4930123456,de,\n"
            f"two@north.example,,firm,,,,5000\n"
            f"three@north.example,,,K-3,,,\n"
        ).replace(CHEAP.replace(",", ""), f'"{CHEAP}"')
        report = await carried_out(office, text)
        assert (report["state"], report["made"], report["refused"]) == ("done", 3, 0)
        one, two, three = [
            (await office.ask("GET", f"/v1/accounts/{name}@north.example")).json
            for name in ("one", "two", "three")
        ]
        assert one["customer"] == two["customer"] != three["customer"]
        assert two["quota_bytes"] == 5000
        firm = (await office.ask("GET", f"/v1/customers/{one['customer']}")).json
        assert firm["contract"] == "K-1"
        contact = (await office.ask("GET", f"/v1/customers/{one['customer']}/contact")).json
        assert (contact["phone"], contact["language"]) == ("+4930123456", "de")

    in_office(world, work)


@pytest.mark.slow
def test_admin_9_only_the_file_of_the_report_is_carried_out_and_only_for_who_got_it(world):
    async def work(office: Office) -> None:
        await office.person("second", AdminRole.OWNER)
        await office.people.settled(1.0)
        text = "address\nnew@north.example\n"
        digest = (await send(office, text)).json["digest"]
        assert (await send(office, text + "more@north.example\n", digest)).status == 409
        assert (await send(office, text, "0" * 64)).status == 409
        assert (await send(office, text, digest, "second")).status == 409
        assert (await office.ask("GET", "/v1/accounts/new@north.example")).status == 404

    in_office(world, work)


@pytest.mark.slow
def test_admin_9_an_import_broken_off_goes_on_when_it_is_run_again(world, monkeypatch):
    async def work(office: Office) -> None:
        text = "address\n" + "".join(f"i{n}@north.example\n" for n in range(30))
        digest = (await send(office, text)).json["digest"]
        whole = office.changes.account_add_many
        calls = []

        async def breaks(accounts: Any, **keys: Any) -> Any:
            calls.append(len(accounts))
            if len(calls) > 1:
                raise Unavailable("people", "it is gone")
            return await whole(accounts, **keys)

        monkeypatch.setattr("holdfast.functions.admin.imports.PEOPLE_BATCH", 10)
        monkeypatch.setattr(type(office.changes), "acting", lambda self, by: self, raising=True)
        monkeypatch.setattr(office.changes, "account_add_many", breaks)
        await send(office, text, digest)
        broken = await ended(office, digest)
        assert (broken["state"], broken["made"]) == ("broken", 10) and "people" not in broken["digest"]
        monkeypatch.setattr(office.changes, "account_add_many", whole)
        await send(office, text, digest)
        done = await ended(office, digest)
        assert (done["state"], done["made"], done["kept"]) == ("done", 20, 10)

    in_office(world, work)


@pytest.mark.slow
def test_an_import_reaches_no_further_than_ones_rights(world):
    async def work(office: Office) -> None:
        await office.person("helper", AdminRole.DOMAIN_ADMIN, domain="north.example")
        await office.people.settled(1.0)
        text = "address\nnew@north.example\nnew@south.example\nann@south.example\n"
        report = (await send(office, text, who="helper")).json
        assert (report["new"], report["there"], report["wrong"]) == (1, 0, 2)
        report = await carried_out(office, text, "helper")
        assert report["made"] == 1
        assert (await office.ask("GET", "/v1/accounts/new@south.example")).status == 404

    in_office(world, work)
