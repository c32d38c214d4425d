"""`holdfast demo`: the whole service on high ports of this machine, with a domain and two accounts."""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import terminal
from holdfast.model.errors import Reason, Refused

if TYPE_CHECKING:
    from holdfast.run.config import Config

DOMAIN = "example.org"
HOST = "127.0.0.1"
PEOPLE = (f"anna@{DOMAIN}", f"ben@{DOMAIN}")
PORTS = {
    "mx": 2525,
    "submission": 5587,
    "submissions": 5465,
    "imap": 5143,
    "imaps": 5993,
    "pop3": 5110,
    "pop3s": 5995,
    "account_https": 8443,
    "signup_https": 8444,
    "admin_https": 8445,
    "jmap_http": 8446,
    "webmail_http": 8447,
    "setup_http": 5080,
    "setup_https": 5443,
    "health_http": 9464,
    "care_https": 8448,
}
WEB_URLS = {
    "account_url": "account_https",
    "signup_url": "signup_https",
    "admin_url": "admin_https",
    "jmap_url": "jmap_http",
    "webmail_url": "webmail_http",
    "care_url": "care_https",
}
# Without TLS: browsers keep a page for offline use where its connection is safe, which loopback is to them,
# and a certificate that nobody has signed is not.
CLOSED = ("jmap_https", "webmail_https")
STEPS = 5


def add_to(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    data: Annotated[str, typer.Option(help="Folder for everything; delete it to begin anew.")] = "demo-data",
) -> None:
    """Starts the service on this machine's high ports and says what to try. Ctrl-C ends it.

    Run again, it goes on with the same mail, accounts and passwords.
    """
    from holdfast.run import certificate, reading, roles, system
    from holdfast.world.clock import RealClock

    folder = os.path.abspath(data)
    _step(1, f"folder {folder}")
    system.make_folder(folder)
    path = os.path.join(folder, "holdfast.toml")
    _write_config(path)
    config = reading.load(path, {})
    if not os.path.exists(config.certificate):
        _step(2, "key and certificate for localhost")
        names = ["localhost", "127.0.0.1", "::1", config.service.hostname]
        certificate.make(config.certificate, config.key, names, RealClock().now())
    else:
        _step(2, "key and certificate are there")
    _step(3, f"domain {DOMAIN}, accounts {' and '.join(PEOPLE)}")
    passwords = _passwords(os.path.join(folder, "passwords.json"))
    _in_a_process_of_its_own(lambda: _make_people(config, passwords))
    _step(4, "starting every process")
    roles.serve(config, hangup_stops=True, on_ready=lambda: _tell(config, path, passwords))
    terminal.say("stopped")


def _step(number: int, text: str) -> None:
    terminal.say(f"[{number}/{STEPS}] {text}")


def _write_config(path: str) -> None:
    """Anew at each start: the ports of the last time if they are free, else the next ones."""
    from holdfast.run.describe import toml_value

    taken: set[int] = set()
    lines = [
        "# Made by `holdfast demo` at each start.",
        "[service]",
        f'hostname = "mail.{DOMAIN}"',
        'data = "data"',
    ]
    lines += ['journal = "journal.jsonl"', "", "[listen]"]
    ports: dict[str, int] = {}
    for door, port in PORTS.items():
        ports[door] = port = _free_port(port, taken)
        taken.add(port)
        lines.append(f"{door} = {toml_value([f'{HOST}:{port}'])}")
    lines += [f"{door} = []" for door in CLOSED]
    lines += ["", "[web]  # the certificate is localhost's"]
    for key, door in WEB_URLS.items():
        lines.append(f'{key} = "{door.rpartition("_")[2]}://localhost:{ports[door]}"')
    lines += ["", "[tls]", "plain_sign_in = true  # on loopback only: so that telnet can be tried"]
    lines += ["", "[status]", 'name = "Example Mail"']
    lines += ["", "[credits.goodwill]", 'rule = "flat"', 'source = "decided for this demonstration"']
    lines += ["least_hours = 0.05  # three minutes"]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def _free_port(wish: int, taken: set[int]) -> int:
    for port in range(wish, wish + 100):
        if port in taken:
            continue
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:  # noqa: TID251
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise Refused(Reason.LIMIT, f"no free port from {wish} to {wish + 99} on {HOST}")


def _passwords(path: str) -> dict[str, str]:
    """Made once and kept, for their owner alone to read."""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            return dict(json.load(file))
    made = {login: terminal.new_password() for login in PEOPLE}
    with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:  # noqa: TID251
        json.dump(made, file, indent=1)
    return made


def _make_people(config: Config, passwords: dict[str, str]) -> None:
    from holdfast.cli.people import with_people
    from holdfast.directory.operations import Operations
    from holdfast.model.people import AccountRole

    async def work(people: Operations) -> None:
        await people.domain_add(DOMAIN)
        for login in PEOPLE:
            name = login.partition("@")[0].title()
            role = AccountRole.OWNER if login == PEOPLE[0] else AccountRole.NONE
            password = passwords[login]
            await people.account_add(login, name=name, password=password, role=role, keep_existing=True)

    with_people(work, config)


def _in_a_process_of_its_own(work: object) -> None:
    """The supervisor forks, so its process must never have had a thread or an event loop (RUN-5)."""
    assert callable(work)
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except Exception as error:
            terminal.say(f"holdfast: {error}")
        finally:
            os._exit(status)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
        raise Refused(
            Reason.NOT_ALLOWED, "the accounts could not be made; is another one running on this folder?"
        )


def _tell(config: Config, path: str, passwords: dict[str, str]) -> None:
    _step(5, "every process serves")
    print(guide(config, path, passwords), flush=True)


def guide(config: Config, path: str, passwords: dict[str, str]) -> str:
    """What to know and what to try."""
    port = {door: getattr(config.listen, door)[0].rpartition(":")[2] for door in PORTS}
    anna, ben = PEOPLE
    word = passwords[anna]
    holdfast = os.path.relpath(sys.argv[0]) if os.sep in sys.argv[0] else "holdfast"
    config_path = os.path.relpath(path)
    folder = os.path.dirname(config_path)
    return f"""
  webmail             http://localhost:{port["webmail_http"]}    open this first

  mail from outside   SMTP  {HOST}:{port["mx"]}
  mail from accounts  SMTP  {HOST}:{port["submission"]} (STARTTLS), {port["submissions"]} (TLS)
  reading             IMAP  {HOST}:{port["imap"]} (STARTTLS), {port["imaps"]} (TLS)
                      POP3  {HOST}:{port["pop3"]} (STLS), {port["pop3s"]} (TLS)
                      JMAP  http://localhost:{port["jmap_http"]}/.well-known/jmap

  pages               https://localhost:{port["account_https"]} (accounts), {port["signup_https"]} (sign-up),
                      {port["admin_https"]} (administration), {port["setup_https"]} (client set-up)
  status page         {folder}/data/care/status/index.html
  something broken?   https://localhost:{port["care_https"]} is where customers say so
  operators' console  https://localhost:{port["care_https"]}/console; what opens it:
                      {holdfast} --config {config_path} console token you

  {anna}    {passwords[anna]}
  {ben}     {passwords[ben]}

In another terminal:

  send      swaks --server {HOST}:{port["mx"]} --from you@example.net --to {anna}
  or        curl smtp://{HOST}:{port["mx"]} --mail-from you@example.net --mail-rcpt {anna} --crlf -T README.md
  list      curl -k --user {anna}:{word} 'imaps://{HOST}:{port["imaps"]}/INBOX?ALL'
  read      curl -k --user {anna}:{word} 'imaps://{HOST}:{port["imaps"]}/INBOX;MAILINDEX=1'
  by JMAP   curl --user {anna}:{word} http://localhost:{port["jmap_http"]}/.well-known/jmap
  by POP3   curl -k --user {anna}:{word} pop3s://{HOST}:{port["pop3s"]}/1
  write     swaks --server {HOST}:{port["submissions"]} --tlsc --auth-user {anna} \\
              --auth-password {word} --from {anna} --to {ben}
  a client  mutt -F /dev/null -e 'set ssl_verify_host=no ssl_verify_dates=no' \\
              -f imaps://{anna.replace("@", "%40")}:{word}@{HOST}:{port["imaps"]}/INBOX
  python    python3 -c "import imaplib; m = imaplib.IMAP4('{HOST}', {port["imap"]});
              m.login('{anna}', '{word}'); print(m.select(), m.fetch('1:*', '(FLAGS ENVELOPE)'))"

  look      {holdfast} --config {config_path} status
  break     kill -9 any of them, or all; rm {folder}/data/volumes/v1/index/*
  journal   tail -f {folder}/journal.jsonl

Ctrl-C ends it; the mail stays in {folder}.
"""
