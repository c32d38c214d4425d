"""Around signing in: LOGIN, AUTHENTICATE, STARTTLS, CAPABILITY, ID, ENABLE, LOGOUT. RFC 3501 §6.1-6.2.

IMAPD-5 a password is asked for only over TLS, unless plaintext is allowed; a lookup that fails is
UNAVAILABLE and never AUTHENTICATIONFAILED.
"""

from __future__ import annotations

from holdfast.functions.imap import events
from holdfast.functions.imap.session import Answer, Handled, ImapSession, Stopped
from holdfast.model.errors import Refused, Unavailable
from holdfast.wire import sasl
from holdfast.wire.imap import commands as c
from holdfast.wire.imap import replies, responses
from holdfast.wire.imap.events import Request, State

FIRST_DELAY_S = 0.5  # after a wrong password; doubled with each, so that guessing is slow
LONGEST_DELAY_S = 8.0


def capability(session: ImapSession, request: Request) -> Answer:
    session.connection.write(responses.capability_line(session.capabilities))
    return Answer("CAPABILITY completed.")


def noop(session: ImapSession, request: Request) -> Answer:
    return Answer("NOOP completed.")


def identify(session: ImapSession, request: Request) -> Answer:
    session.connection.write(responses.id_line((("name", "Holdfast"), ("vendor", "Holdfast"))))
    return Answer("ID completed.")


def logout(session: ImapSession, request: Request) -> None:
    session.bye("Logging out.", after=replies.ok(request.tag, "LOGOUT completed."))


def enable(session: ImapSession, request: Request) -> Answer:
    """RFC 5161 §3.1; QRESYNC has CONDSTORE in it (RFC 7162 §3.2.3)."""
    command = request.command
    assert isinstance(command, c.Enable)
    enabled = []
    if "QRESYNC" in command.capabilities and not session.qresync:
        session.qresync = True
        enabled.append("QRESYNC")
    if ("CONDSTORE" in command.capabilities or session.qresync) and not session.condstore:
        session.condstore = True
        enabled.append("CONDSTORE")
    session.connection.write(responses.enabled_line(enabled))
    return Answer("ENABLE completed.")


def start_tls(session: ImapSession, request: Request) -> Answer | None:
    """The machine has thrown away what came behind the command (CVE-2011-0411)."""
    context = session.serving.settings.tls
    if context is None or session.connection.tls is not None:
        session.machine.tls_started()
        why = "TLS is not offered here." if context is None else "TLS runs already."
        return Answer(why, b"", b"BAD" if context else b"NO")
    session.connection.write(replies.ok(request.tag, "Begin TLS negotiation now."))
    session.securing = True
    secured = session.connection.start_tls(context)
    # The handshake has a time limit of its own; from then on the client is to sign in.
    secured.add_done_callback(lambda future: session.secured())
    return None


def login(session: ImapSession, request: Request) -> Handled:
    command = request.command
    assert isinstance(command, c.Login)
    _must_be_private(session)
    return sign_in(session, command.user, command.password)


def authenticate(session: ImapSession, request: Request) -> Handled:
    """RFC 3501 §6.2.2, with an initial response by RFC 4959."""
    command = request.command
    assert isinstance(command, c.Authenticate)
    exchange = sasl.server(command.mechanism)
    if exchange is None:
        offered = " and ".join(sasl.MECHANISMS)
        return Answer(f"{command.mechanism} is not offered; {offered} are.", b"CANNOT", b"NO")
    _must_be_private(session)
    session.sasl = exchange
    return _step(session, None if command.initial is None else sasl.encode(command.initial))


def respond(session: ImapSession, request: Request, data: bytes | None) -> Handled:
    """What the client sent within AUTHENTICATE; None: it gave up."""
    if data is None or session.sasl is None:
        session.sasl = None
        return Answer("AUTHENTICATE given up.", b"", b"BAD")
    return _step(session, sasl.encode(data))


def _step(session: ImapSession, line: bytes | None) -> Handled:
    assert session.sasl is not None
    try:
        step = session.sasl.step(line)
    except Refused:
        session.sasl = None
        raise
    if isinstance(step, sasl.Challenge):
        session.connection.write(session.machine.challenge(sasl.decode(step.line)))
        return None
    session.sasl = None
    if step.authorize and step.authorize != step.login:
        return Answer("Acting for somebody else is not possible.", b"AUTHORIZATIONFAILED", b"NO")
    return sign_in(session, step.login, step.password)


def _must_be_private(session: ImapSession) -> None:
    if not session.private:
        raise Stopped(Answer("A password is taken over TLS only: use STARTTLS.", b"PRIVACYREQUIRED", b"NO"))


async def sign_in(session: ImapSession, login: str, password: str) -> Answer | None:
    serving = session.serving
    peer = session.address or ""
    try:
        account = await serving.sign_in.check(login, password, peer=peer, function="imap")
    except Refused as refused:
        return await _wrong(session, login, refused)
    session.account = account
    serving.enter(account.id, session)
    try:
        await serving.store.open_account(account.id, account.cell)
    except (Refused, Unavailable):
        pass  # signed in all the same: each command will say what can't be reached
    if session.connection.closing:
        return None  # signed out meanwhile, or gone
    session.machine.state = State.AUTHENTICATED
    session.connection.set_timeout(serving.settings.limits.imap_idle_s)
    serving.world.journal.emit(
        events.SIGNED_IN, account=account.id, peer=peer, tls=session.connection.tls is not None
    )
    return Answer("Signed in.", responses.capability(session.capabilities))


async def _wrong(session: ImapSession, login: str, refused: Refused) -> Answer | None:
    session.failures += 1
    serving = session.serving
    serving.world.journal.emit(
        events.SIGN_IN_REFUSED, login=login, peer=session.address, times=session.failures
    )
    await serving.world.clock.sleep(min(FIRST_DELAY_S * 2 ** (session.failures - 1), LONGEST_DELAY_S))
    if session.failures >= serving.settings.limits.sign_in_failures:
        session.bye("Too many failed sign-ins.")
        return None
    raise refused
