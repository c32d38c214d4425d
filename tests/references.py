"""Debian's Dovecot and Postfix as references: configurations of their own, on loopback, ended by pid."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from free_ports import free_ports
from holdfast.run import certificate

DOVECOT = "/usr/sbin/dovecot"
POSTFIX = "/usr/sbin/postfix"
NOBODY = 65534
START_S = 60.0
PASSWORD = "pw"

_DOVECOT = """
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <{base}/cert.pem
ssl_key = <{base}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = {store}:{base}/mail/%u
mail_uid = {user}
mail_gid = {user}
first_valid_uid = 1
first_valid_gid = 1
default_internal_user = nobody
default_login_user = nobody
default_internal_group = nogroup
mail_fsync = {fsync}
mail_max_userip_connections = 1000
pop3_uidl_format = %08Xu%08Xv
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={user} home={base}/home/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
{more}
"""


class DovecotPorts(NamedTuple):
    imap: int
    pop3: int
    base: Path


def missing(program: str) -> str:
    """'' when the reference can run here, else why it can't."""
    if not Path(program).exists():
        return f"{program} isn't installed"
    return "" if os.geteuid() == 0 else f"{program} needs root to start"


def answers(port: int, starting: subprocess.Popen[bytes] | None, log: Path) -> None:
    """Returns when the port greets."""
    deadline = time.monotonic() + START_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as probe:
            if probe.recv(100):
                return
        ended = starting is not None and starting.poll() is not None
        if ended or time.monotonic() > deadline:
            said = log.read_text(errors="replace")[-2000:] if log.exists() else "no log"
            raise RuntimeError(f"nothing answers on port {port}: {said}")
        time.sleep(0.03)


@contextlib.contextmanager
def dovecot(*, store: str = "mdbox", fsync: str = "never", more: str = "") -> Iterator[DovecotPorts]:
    """IMAP and POP3 for any user, password ``pw``; mailboxes are empty at first."""
    base = Path(tempfile.mkdtemp(prefix="reference-dovecot-"))
    base.chmod(0o755)
    for name in ("home", "mail", "run", "state"):
        (base / name).mkdir()
        os.chown(base / name, NOBODY, NOBODY)
    certificate.make(str(base / "cert.pem"), str(base / "key.pem"), ["localhost"], time.time())
    imap, pop3 = free_ports(2)
    (base / "dovecot.conf").write_text(
        _DOVECOT.format(
            base=base,
            imap=imap,
            pop3=pop3,
            user=NOBODY,
            password=PASSWORD,
            store=store,
            fsync=fsync,
            more=more,
        )
    )
    process = subprocess.Popen([DOVECOT, "-F", "-c", str(base / "dovecot.conf")], stderr=subprocess.DEVNULL)
    try:
        answers(imap, process, base / "log")
        answers(pop3, process, base / "log")
        yield DovecotPorts(imap, pop3, base)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(base, ignore_errors=True)


_POSTFIX_MAIN = """
compatibility_level = 3.6
queue_directory = {base}/queue
data_directory = {base}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.example.org
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
local_recipient_maps =
virtual_mailbox_domains = example.org
virtual_mailbox_maps = inline:{{ {{u1@example.org = x}}, {{u2@example.org = x}} }}
virtual_transport = discard:
smtpd_recipient_restrictions = reject_unauth_destination
smtpd_tls_cert_file = {base}/cert.pem
smtpd_tls_key_file = {base}/key.pem
smtpd_tls_security_level = may
smtpd_delay_reject = yes
smtpd_forbid_bare_newline = yes
smtputf8_enable = yes
maillog_file = {base}/log
maillog_file_prefixes = {base}
message_size_limit = 1048576
alias_maps =
alias_database =
{more}
"""

_POSTFIX_MASTER = """
{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
"""


def _without_overridden(ours: str, more: str) -> str:
    """Every process warns of a line that is overridden, before there is one to take the warnings: after ten
    of them, Postfix waits for ever."""
    again = {line.partition("=")[0].strip() for line in more.splitlines() if line.strip()}
    return "".join(f"{line}\n" for line in ours.splitlines() if line.partition("=")[0].strip() not in again)


@contextlib.contextmanager
def postfix(*, more: str = "") -> Iterator[tuple[int, Path]]:
    """(SMTP port, its folder): takes mail for u1 and u2@example.org and throws it away, unless ``more``
    (lines for main.cf) says otherwise."""
    base = Path(tempfile.mkdtemp(prefix="reference-postfix-"))
    base.chmod(0o755)
    (base / "queue").mkdir()
    (base / "data").mkdir()
    shutil.chown(base / "data", "postfix", "postfix")
    certificate.make(str(base / "cert.pem"), str(base / "key.pem"), ["localhost"], time.time())
    (port,) = free_ports(1)
    (base / "main.cf").write_text(_without_overridden(_POSTFIX_MAIN.format(base=base, more=""), more) + more)
    (base / "master.cf").write_text(_POSTFIX_MASTER.format(port=port))
    subprocess.run([POSTFIX, "-c", str(base), "start"], check=True, capture_output=True)
    try:
        answers(port, None, base / "log")
        yield port, base
    finally:
        pid = int((base / "queue/pid/master.pid").read_text())
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + START_S
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        shutil.rmtree(base, ignore_errors=True)
