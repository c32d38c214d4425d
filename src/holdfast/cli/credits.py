"""`holdfast credits`: what customers are owed for an incident. Read from files; every process may be dead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import terminal
from holdfast.model.errors import Reason, Refused

if TYPE_CHECKING:
    from holdfast.care.credits.owing import Owed
    from holdfast.care.credits.policies import Policy
    from holdfast.pages.texts import Texts
    from holdfast.run.config import Config

_UNKNOWN_SHOWN = 10


def add_to(app: typer.Typer) -> None:
    app.command()(credits)


def credits(
    number: Annotated[int, typer.Argument(metavar="INCIDENT", help="As `incident list` shows it.")],
    policy: Annotated[str, typer.Option(help="One of `[credits]`; '' is all of them.")] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="A line for each item, for billing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each policy.")] = False,
    language: Annotated[str, typer.Option(help="Of the arithmetic: en or de.")] = "en",
) -> None:
    """Computes what contracts are owed for an incident so far, or in all; no process needs to run."""
    import sys

    from holdfast.care.credits import billing
    from holdfast.pages.texts import LANGUAGES

    config = terminal.load_config()
    if language not in LANGUAGES:
        raise Refused(Reason.BAD_SYNTAX, f"--language {language}: there are {', '.join(LANGUAGES)}")
    found = _owed(config, number, _chosen(config, policy))
    texts = _texts(config)
    if as_csv:
        every = [credit for each in found for credit in each.credits]
        sys.stdout.write(billing.as_csv(texts, language, every).replace("\r\n", "\n"))
    elif as_json:
        for each in found:
            print(billing.as_json(texts, language, each).decode())
    else:
        for each in found:
            _show(texts, language, each)


def _chosen(config: Config, name: str) -> list[Policy]:
    from holdfast.run import crediting

    policies = crediting.policies(config)
    chosen = [each for each in policies if name in ("", each.name)]
    if not chosen:
        there = ", ".join(each.name for each in policies) or "none; see docs/operate/credits.md"
        raise Refused(Reason.BAD_SYNTAX, f"no such policy; in the configuration there are: {there}")
    return chosen


def _owed(config: Config, number: int, policies: list[Policy]) -> list[Owed]:
    from holdfast.care.credits.owing import owed
    from holdfast.cli.care import incidents
    from holdfast.run import crediting, layout
    from holdfast.world import real_world

    world = real_world(level="warn")
    known = incidents(world, config)
    incident = known.get(number)
    if incident is None:
        raise Refused(Reason.BAD_SYNTAX, f"there is no incident {number}; see `holdfast incident list`")
    try:
        fees = crediting.known_fees(world, config)
    except OSError as error:
        raise Refused(Reason.BAD_SYNTAX, f"care.fees: {error}") from error
    path, now = layout.customers_path(config), world.clock.now()
    return [owed(world, path, known, incident, each, fees, now, config.care.currency) for each in policies]


def _texts(config: Config) -> Texts:
    from holdfast.care.credits.billing import FOLDER
    from holdfast.pages.texts import Texts

    return Texts([FOLDER], time_zone=config.web.time_zone)


def _show(texts: Texts, language: str, owed: Owed) -> None:
    """Sums, one contract's arithmetic of each sort, and whose fee is missing."""
    from holdfast.care.credits.billing import arithmetic, money

    state = "in all" if owed.final else "so far"
    sums = (
        ", ".join(money(language, amount, currency) for currency, amount in owed.total.items()) or "nothing"
    )
    most = "at most " if owed.bounded else ""
    print(
        f"{owed.policy.name} ({owed.policy.source}), {state}: {most}{sums} for {len(owed.credits)} contracts"
    )
    alike: dict[int, int] = {}
    for credit in owed.credits:
        alike[id(credit.items)] = alike.get(id(credit.items), 0) + 1
    for credit in {id(each.items): each for each in owed.credits}.values():
        print(f"  {alike[id(credit.items)]} × {money(language, credit.amount, credit.contract.currency)}")
        for item in credit.items:
            print(f"    {arithmetic(texts, language, credit, item)}")
    if owed.unknown:
        first = ", ".join(owed.unknown[:_UNKNOWN_SHOWN])
        more = " …" if len(owed.unknown) > _UNKNOWN_SHOWN else ""
        print(f"  {len(owed.unknown)} contracts whose fee care.fees doesn't tell: {first}{more}")
