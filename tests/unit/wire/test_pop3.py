"""The POP3 machines: what is answered, and that neither end minds how its input is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import POP3_COMMAND_BYTES
from holdfast.wire.pop3 import Client, Command, Server, ServerSettings, SignIn, StartTls, State, reply_for

SETTINGS = ServerSettings("mail.example.org", starttls=True, sign_in_needs_tls=False)


def sent(machine: Server) -> bytes:
    return b"".join(bytes(part) for part in machine.take())


def talk(machine: Server, chunks: list[bytes]) -> tuple[list[object], bytes]:
    """Feed chunks; answer every event with +OK; give events and all output."""
    events: list[object] = []
    out = b""
    for chunk in chunks:
        machine.receive(chunk)
        while event := machine.next_event():
            events.append(event)
            if isinstance(event, SignIn):
                machine.signed_in("welcome")
            elif isinstance(event, StartTls):
                machine.tls_started()
            else:
                machine.ok("done")
        out += sent(machine)
    return events, out


def signed_in(settings: ServerSettings = SETTINGS) -> Server:
    machine = Server(settings)
    talk(machine, [b"USER a\r\nPASS b\r\n"])
    assert machine.state is State.TRANSACTION
    return machine


def test_a_password_may_contain_blanks():
    events, _ = talk(Server(SETTINGS), [b"USER anna@example.org\r\nPASS two words \r\n"])
    assert events == [SignIn("anna@example.org", "two words ")]


def test_a_command_waits_for_the_reply_to_the_one_before():
    machine = signed_in()
    machine.receive(b"STAT\r\nNOOP\r\n")
    assert machine.next_event() == Command("STAT")
    assert machine.next_event() is None
    machine.ok("0 0")
    assert machine.next_event() == Command("NOOP")


def test_pop3_1_a_component_out_of_reach_is_sys_temp_and_a_wrong_password_is_auth():
    assert reply_for(Unavailable("people"))[0] == "SYS/TEMP"
    assert reply_for(Refused(Reason.BAD_CREDENTIALS))[0] == "AUTH"
    for reason in Reason:
        assert reply_for(Refused(reason))[0] != "SYS/TEMP"


def test_pop3_2_a_line_beyond_the_limit_costs_that_line_only():
    machine = signed_in()
    events, out = talk(machine, [b"x" * 100_000, b"y" * POP3_COMMAND_BYTES + b"\r\nNOOP\r\n"])
    assert events == [Command("NOOP")] and out.startswith(b"-ERR line longer")


def test_pop3_3_what_came_before_the_handshake_is_thrown_away():
    machine = Server(ServerSettings("h", starttls=True, sign_in_needs_tls=True))
    events, _ = talk(machine, [b"STLS\r\nUSER injected\r\nPASS injected\r\n", b"USER a\r\nPASS b\r\n"])
    assert events == [StartTls(), SignIn("a", "b")]


def test_sign_in_waits_for_tls_where_it_must():
    events, out = talk(Server(ServerSettings("h", starttls=True)), [b"USER a\r\nPASS b\r\nAUTH PLAIN\r\n"])
    assert events == [] and out.count(b"-ERR sign-in needs TLS") == 3


def test_too_many_bad_commands_end_the_connection():
    machine = Server(ServerSettings("h", errors=3))
    talk(machine, [b"BAD\r\n" * 10])
    assert machine.closed


def test_a_message_without_a_final_line_end_gets_one_on_the_wire_only():
    machine = signed_in()
    machine.receive(b"RETR 1\r\n")
    machine.next_event()
    machine.message("3 octets", b"abc")
    assert sent(machine) == b"+OK 3 octets\r\nabc\r\n.\r\n"


LINES = st.sampled_from(
    [
        b"STAT",
        b"UIDL 1",
        b"NOOP",
        b"XYZZY",
        b"RETR 2",
        b"LIST",
        b"TOP 1 2",
        b"TOP 1",
        b"z" * 600,
        b"\xff",
        b"CAPA",
    ]
)


@given(st.lists(LINES, max_size=8), st.data())
def test_pop3_4_how_the_input_is_cut_shows_in_nothing(lines, data):
    stream = b"".join(line + b"\r\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)])]
    assert talk(signed_in(), [stream]) == talk(signed_in(), pieces)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_never_raise(data):
    talk(Server(SETTINGS), [data])
    talk(signed_in(), [data])


BODY = st.lists(st.sampled_from([b".", b"..", b"", b"text", b".a"]), max_size=6).map(
    lambda lines: b"".join(line + b"\r\n" for line in lines)
)


@given(st.lists(BODY, min_size=1, max_size=4), st.data())
def test_what_the_server_stuffs_the_client_unstuffs_however_it_is_cut(bodies, data):
    server, client = signed_in(), Client()
    stream = b"+OK hello\r\n"
    for number, body in enumerate(bodies, 1):
        server.receive(client.command(f"RETR {number}", multiline=True))
        server.next_event()
        server.message("follows", body)
        stream += sent(server)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    responses = []
    for a, b in zip([0, *cuts], [*cuts, len(stream)]):
        client.receive(stream[a:b])
        while response := client.next_event():
            responses.append(response)
    assert [r.body for r in responses[1:]] == bodies
