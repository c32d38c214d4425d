"""`holdfast dns`, `dkim`: what the DNS should say of a domain, whether it does, and the keys named in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli import terminal

if TYPE_CHECKING:
    from holdfast.flow.records import DkimKey, Finding

Domain = Annotated[str, typer.Argument(help="The domain.")]


def add_to(app: typer.Typer) -> None:
    app.command()(dns)
    words = typer.Typer(help="Keys that prove mail to be ours; they sign nothing yet.", no_args_is_help=True)
    words.command("make")(make)
    words.command("list")(list_)
    app.add_typer(words, name="dkim")


def dns(
    domain: Domain,
    zone: Annotated[
        bool, typer.Option("--zone", help="Only the records, as a zone's text; asks nobody.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only what is not as it should be.")] = False,
    as_json: terminal.Json = False,
) -> None:
    """Shows each record that a domain needs, and whether the real DNS has it.

    Ends with 0: all there; 1: something to mend, or not to be known now; 2: without it there is no mail.
    """
    from holdfast.directory.names import parse_domain
    from holdfast.flow.records import zone_text
    from holdfast.run import records
    from holdfast.world import real_world, run

    config, world, name = terminal.load_config(), real_world(level="warn"), parse_domain(domain)
    if zone:
        print(zone_text(records.records_for(name, config, world)), end="")
        return
    report = run(records.checked(name, config, world))
    findings = [each for each in report.findings if each.status != "ok"] if check else report.findings
    if as_json:
        terminal.show([_row(each) for each in findings], [], True)
    else:
        for finding in findings:
            _tell(finding)
        bad = sum(each.status != "ok" for each in report.findings)
        print(f"{len(report.findings)} records, {bad} to look at" if bad else "all is there")
    raise typer.Exit(report.worst)


def _row(finding: Finding) -> dict[str, Any]:
    import msgspec

    return {**msgspec.to_builtins(finding.wanted), **msgspec.to_builtins(finding), "wanted": None} | {
        "wanted": finding.wanted.value
    }


def _tell(finding: Finding) -> None:
    from holdfast.flow.records.zone import record_line

    print(f"{finding.status:8} {record_line(finding.wanted)}")
    if finding.status == "ok":
        return
    print(f"    why     {finding.wanted.why}")
    for value in finding.found:
        print(f"    there   {value}")
    print(f"    repair  {finding.text}\n")


def make(domain: Domain) -> None:
    """Makes a pair of keys, RSA and Ed25519, and prints their records."""
    from holdfast.directory.names import parse_domain
    from holdfast.run import records, system
    from holdfast.world import real_world

    config, name = terminal.load_config(), parse_domain(domain)
    system.become(config.service.user)  # what root wrote, the service could not read
    for key in records.dkim_keys(config, real_world(level="warn")).make(name):
        _print(key)
    terminal.say("\nMail is not signed yet: these records harm nobody, and are ready when it is.")


def list_(domain: Domain, as_json: terminal.Json = False) -> None:
    """Lists a domain's keys with their records; the private halves stay where they are."""
    import msgspec

    from holdfast.directory.names import parse_domain
    from holdfast.run import records
    from holdfast.world import real_world

    keys = records.dkim_keys(terminal.load_config(), real_world(level="warn")).of(parse_domain(domain))
    if as_json:
        terminal.show([{**msgspec.to_builtins(key), "record": key.record} for key in keys], [], True)
        return
    for key in keys:
        _print(key)


def _print(key: DkimKey) -> None:
    from holdfast.flow.records import Need, Wanted
    from holdfast.flow.records.zone import record_line

    name = f"{key.selector}._domainkey.{key.domain}"
    print(record_line(Wanted("dkim", name, "TXT", key.record, "", Need.MAY)))
