"""`holdfast certificate`: which there are, how long they last, and a new one now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli import terminal
from holdfast.model.errors import Reason, Refused, Unavailable

if TYPE_CHECKING:
    from holdfast.run.config import Config
    from holdfast.run.renewing import Standing

COLUMNS = ["certificate", "state", "days_left", "renewed", "names", "error"]
DAY_S = 86_400.0


def add_to(app: typer.Typer) -> None:
    words = typer.Typer(help="Certificates: show them, renew one now.", no_args_is_help=True)
    words.command("show")(show)
    words.command("renew")(renew)
    app.add_typer(words, name="certificate")


def show(as_json: terminal.Json = False) -> None:
    """Lists the certificates. 0: all is well; 1: one ends soon; 2: one has ended, or the machine has none."""
    from holdfast.run import renewing
    from holdfast.world import real_world

    config, world = terminal.load_config(), real_world(level="warn")
    found = renewing.standing(config, world)
    now = world.clock.now()
    terminal.show([_row(each, now, config) for each in found], COLUMNS, as_json)
    raise typer.Exit(max(_severity(each, now) for each in found))


def _severity(each: Standing, now: float) -> int:
    if each.facts is None:
        return 2 if each.target.names else 0
    return 2 if each.facts.ends_at <= now else 1 if each.soon else 0


def _row(each: Standing, now: float, config: Config) -> dict[str, Any]:
    row: dict[str, Any] = {"certificate": each.target.id, "error": each.state.error}
    if each.facts is None:
        return {**row, "state": "missing" if each.target.names else "waits for its DNS"}
    from holdfast.functions.setup.certificates.renewal import renew_at

    facts = each.facts
    state = "self-signed" if facts.self_signed else "good"
    if each.soon:
        state = "ended" if facts.ends_at <= now else "ends soon"
    row |= {"state": state, "days_left": round((facts.ends_at - now) / DAY_S, 1), "names": facts.names}
    row |= {"issuer": facts.issuer, "ends_at": facts.ends_at, "path": each.target.certificate}
    if config.acme.directory:
        due = max(renew_at(facts, each.state), each.state.next_at)
        row |= {"renewed": f"in {max(0.0, due - now) / DAY_S:.1f} days", "renew_at": due}
    return row


def renew(
    certificate: Annotated[
        str, typer.Argument(help="Its name, as `certificate show` has it; none: the machine's own.")
    ] = "",
) -> None:
    """Gets a new certificate now. The service must run: the authority looks at its port 80."""
    from holdfast.directory.names import parse_domain
    from holdfast.run import renewing, system
    from holdfast.world import real_world, run

    config, world = terminal.load_config(), real_world(level="warn")
    if not config.acme.directory:
        raise Refused(Reason.NOT_ALLOWED, "[acme] directory names no authority to ask")
    certificate = parse_domain(certificate) if certificate else ""
    wanted = certificate or config.service.hostname.lower()
    system.become(config.service.user)  # what root wrote, the service could not replace

    async def domains() -> list[str]:
        return [certificate] if certificate else []

    async def go() -> list[str]:
        async with renewing.renewal(world, config, domains) as renewal:
            return await renewal.round(wanted, at_once=True)

    if run(go()):
        print(f"{wanted}: renewed; every process takes it up within seconds")
        return
    error = renewing.states(config, world).of(wanted).error
    raise Unavailable("acme", error or f"no name of {wanted} leads here yet: see `holdfast dns {wanted}`")
