"""Lists by state: what was removed is found among any number of those that weren't."""

from __future__ import annotations

import pytest

from holdfast.model.people import AdminRole
from holdfast.sim.world import SimWorld
from unit.functions.admin.office import Office, in_office


async def logins(office: Office, path: str, who: str) -> list[str]:
    """Of all pages, of two rows each."""
    found: list[str] = []
    cursor = ""
    while True:
        answer = await office.ask("GET", f"{path}&limit=2&cursor={cursor}", who)
        assert answer.status == 200, answer
        found += [each["login"] for each in answer.json["items"]]
        cursor = answer.json["next"]
        if not cursor:
            return found


@pytest.mark.parametrize("state", ["active", "disabled", "removed"])
def test_accounts_are_listed_by_state_each_once_whatever_the_place(world: SimWorld, state: str):
    async def work(office: Office) -> None:
        north = office.ids["north.tenant"]
        await office.person("reseller", AdminRole.OWNER, tenant=north)
        for number in range(3):
            made = await office.writer.account_add(f"off{number}@north.example")
            await office.writer.account_set(made.id, state="disabled")
        await office.people.settled(5.0)
        wanted = {
            "active": ["ann@north.example"],
            "disabled": [f"off{number}@north.example" for number in range(3)],
            "removed": ["gone@north.example"],
        }[state]
        everywhere = await logins(office, f"/v1/accounts?state={state}", "owner")
        assert [each for each in everywhere if "north" in each] == wanted
        for path in ("/v1/accounts?domain=north.example", f"/v1/accounts?tenant={north}"):
            assert await logins(office, f"{path}&state={state}", "owner") == wanted
        assert await logins(office, f"/v1/accounts?state={state}", "reseller") == wanted
        customer = office.ids["north.customer"]
        of_customer = await logins(office, f"/v1/accounts?customer={customer}&state={state}", "owner")
        assert of_customer == (["ann@north.example"] if state == "active" else [])

    in_office(world, work)
