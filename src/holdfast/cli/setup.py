"""`holdfast init`: from nothing to a service that can be started, and the DNS records it needs."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import terminal
from holdfast.model.errors import Reason, Refused

if TYPE_CHECKING:
    from holdfast.run.config import Config


def add_to(app: typer.Typer) -> None:
    app.command()(init)


def init(
    domain: Annotated[str, typer.Option(help="The first domain.")] = "",
    account: Annotated[str, typer.Option(help="The first account's address; postmaster@ leads to it.")] = "",
    hostname: Annotated[
        str, typer.Option(help="This machine's name in DNS; mail.<domain> if not given.")
    ] = "",
    data: Annotated[str, typer.Option(help="Folder of everything that is kept.")] = "/var/lib/holdfast",
    user: Annotated[str, typer.Option(help="The user to run as, when root starts it.")] = "",
    generate: Annotated[bool, typer.Option("--generate", help="Make a password and print it.")] = False,
) -> None:
    """Writes a configuration, folders, key and certificate, the first domain and account; prints DNS records.

    What is there already is kept, so it may be run again.
    """
    from holdfast.flow.records import zone_text
    from holdfast.model.address import parse_address
    from holdfast.run import certificate, reading, system
    from holdfast.run.records import records_for
    from holdfast.world import real_world

    domain = _asked(domain, "The domain to take mail for", "example.org")
    account = _asked(account, "The first account", f"postmaster@{domain}")
    hostname = hostname or f"mail.{domain}"
    address = parse_address(account)
    if address.domain != domain.lower():
        raise Refused(
            Reason.BAD_NAME, f"--account: {account} is not in {domain}; the first account belongs to it"
        )
    path = reading.find(terminal.config_path, os.environ)
    if os.path.exists(path):
        terminal.say(f"kept     {path}")
    else:
        write_config(path, hostname=hostname, data=os.path.abspath(data), user=user)
        terminal.say(f"written  {path}")
    config, world = reading.load(path, os.environ), real_world(level="warn")
    for folder in (config.data, config.run_folder, *map(config.volume_folder, config.volumes)):
        system.make_folder(folder, config.service.user)
    if os.path.exists(config.certificate):
        terminal.say(f"kept     {config.certificate}")
    else:
        names = [config.service.hostname]
        certificate.make(config.certificate, config.key, names, world.clock.now(), config.service.user)
        terminal.say(f"written  {config.certificate} (self-signed; put a trusted one there when you have it)")
    _first_people(config, domain, account, generate)
    terminal.say("\nRecords for your DNS:\n")
    print(zone_text(records_for(address.domain, config, world)), end="")
    where = f" --config {path}" if path != reading.DEFAULT_PATH else ""
    terminal.say(f"\nNext: holdfast{where} doctor; holdfast{where} serve")
    terminal.say(f"Once the records are there: holdfast{where} dns {address.domain}")


def _asked(given: str, question: str, proposal: str) -> str:
    if given:
        return given
    if not sys.stdin.isatty():
        word = "--account" if "account" in question else "--domain"
        raise Refused(Reason.BAD_SYNTAX, f"{word} is needed: nobody is here to ask")
    return str(typer.prompt(question, default=proposal, err=True))


def write_config(path: str, *, hostname: str, data: str, user: str, more: str = "") -> None:
    """A short configuration; everything it does not say has a default."""
    from holdfast.run.describe import toml_value
    from holdfast.run.system import make_parents

    lines = [
        "# Holdfast. `holdfast config describe` lists every key; what is not here has its default.",
        "[service]",
        f"hostname = {toml_value(hostname)}",
        f"data = {toml_value(data)}",
    ]
    if user:
        lines.append(f"user = {toml_value(user)}")
    make_parents(path)
    with open(path, "x", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n" + more)


def _first_people(config: Config, domain: str, account: str, generate: bool) -> None:
    """The domain and its owner, unless they are there."""
    from holdfast.cli.people import with_people
    from holdfast.directory.operations import Operations
    from holdfast.model.people import AccountRole

    async def known(people: Operations) -> bool:
        await people.domain_add(domain)
        try:
            await people.account(account)
        except Refused:
            return False
        return True

    if with_people(known, config):
        terminal.say(f"kept     {account}")
        return
    password, made = terminal.password_for(account, generate)
    with_people(lambda people: people.account_add(account, password=password, role=AccountRole.OWNER), config)
    terminal.say(f"added    {account}" + (f", password {password}" if made else ""))
