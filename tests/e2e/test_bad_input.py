"""Bad input over real sockets: a clear reply, bounded memory, nothing lost, and everybody else is served."""

from __future__ import annotations

import contextlib
import re
import resource
import socket
import statistics
import threading
import time

import pytest

from e2e.programs import bodies, letter, whole
from e2e.service import DOMAIN, HOST, password, until
from e2e.snapshots import count

pytestmark = pytest.mark.slow
MIB = 1024 * 1024
SLACK = 64 * MIB  # of a process's memory: what an interpreter may take and keep


def resident(service, process):
    """Bytes of memory of a process."""
    with open(f"/proc/{service.pid(process)}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) * 1024


@contextlib.contextmanager
def bounded(service, *processes, by=SLACK):
    """While this runs, none of these processes grows by more, and none dies."""
    before = {process: (service.pid(process), resident(service, process)) for process in processes}
    yield
    for process, (pid, size) in before.items():
        assert service.pid(process) == pid, f"{process} died"
        grown = resident(service, process) - size
        assert grown < by, f"{process} grew by {grown // MIB} MiB"


class Line:
    """A bare connection."""

    def __init__(self, service, door):
        self.link = socket.create_connection((HOST, service.ports[door]), timeout=30)
        self.said = self.link.makefile("rb")
        self.greeting = self.said.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.said.close()
        self.link.close()

    def send(self, data):
        self.link.sendall(data)

    def answer(self):
        """One reply of SMTP or POP3, or one line of IMAP; b'' when the connection is closed."""
        try:
            line = self.said.readline()
            while re.match(rb"\d\d\d-", line):
                line = self.said.readline()
        except ConnectionResetError:
            return b""
        return line

    def ask(self, data):
        self.send(data)
        return self.answer()

    def tagged(self, data):
        """The tagged answer to an IMAP command with the tag t."""
        self.send(data)
        while (line := self.answer()) and not line.startswith((b"t ", b"* BYE")):
            pass
        return line

    def to_data(self, name):
        """EHLO to 354."""
        assert self.ask(b"EHLO x\r\n").startswith(b"250")
        assert self.ask(b"MAIL FROM:<you@example.net>\r\n").startswith(b"250")
        assert self.ask(f"RCPT TO:<{name}@{DOMAIN}>\r\n".encode()).startswith(b"250")
        assert self.ask(b"DATA\r\n").startswith(b"354")


DOORS = {"mx": b"500", "imap": b"* B", "pop3": b"-ERR"}
FIRST = {"mx": "mx-0", "imap": "imap-0", "pop3": "pop3-0"}


def processes(door):
    return ("imap-0", "imap-1") if door == "imap" else (FIRST[door],)


@pytest.mark.parametrize("door", DOORS)
def test_a_line_without_end_is_refused_and_not_kept(crowd, door):
    with bounded(crowd, *processes(door), by=16 * MIB), Line(crowd, door) as line:
        with contextlib.suppress(ConnectionError, TimeoutError):
            for _ in range(64):
                line.send(b"A" * MIB)
            line.send(b"\r\n")
        with contextlib.suppress(ConnectionError):
            said = line.answer()
            assert said == b"" or said.startswith(DOORS[door]), said


@pytest.mark.parametrize(("door", "next_line", "fine"), [
    ("mx", b"NOOP\r\n", b"250"), ("pop3", b"CAPA\r\n", b"+OK"),
])  # fmt: skip
def test_after_a_line_that_is_too_long_the_next_is_understood(crowd, door, next_line, fine):
    with Line(crowd, door) as line:
        said = line.ask(b"NOOP " + b"x" * 70_000 + b"\r\n")
        assert said.startswith(DOORS[door])
        assert line.ask(next_line).startswith(fine)


ENDS = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\r\n\0.\r\n", b"\n\n.\r\r\n"]


@pytest.mark.parametrize("end", ENDS, ids=repr)
def test_no_second_message_is_smuggled_in(crowd, person, end):
    """Only CR LF . CR LF ends a message; what would look like an end to others is refused or stays text."""
    hidden = f"MAIL FROM:<evil@example.net>\r\nRCPT TO:<{person}@{DOMAIN}>\r\nDATA\r\n".encode()
    with Line(crowd, "mx") as line:
        line.to_data(person)
        line.send(b"Subject: outer\r\n\r\nhello" + end + hidden + b"Subject: inner\r\n\r\nevil\r\n.\r\n")
        first = line.answer()
        assert first[:1] in b"25", first
        line.send(b"QUIT\r\n")
        rest = [line.answer() for _ in range(2)]
        assert [said[:3] for said in rest] in ([b"221", b""], [b"", b""]), rest
    crowd.send("after", to=person)
    until(lambda: "after" in crowd.subjects(person))
    expected = ["after"] if first.startswith(b"5") else ["outer", "after"]
    assert crowd.subjects(person) == expected


@pytest.mark.parametrize("literal", [b"{4294967295}", b"{4294967295+}", b"{99999999999999999999}"])
@pytest.mark.parametrize("command", [b"t LOGIN ", b"t APPEND INBOX ", b"t SELECT "])
def test_a_literal_too_large_is_refused_before_it_is_sent(crowd, person, literal, command):
    with bounded(crowd, "imap-0", "imap-1", by=16 * MIB), Line(crowd, "imap") as line:
        if b"LOGIN" not in command:
            assert b"OK" in line.tagged(f't LOGIN {person}@{DOMAIN} "{password(person)}"\r\n'.encode())
        said = line.tagged(command + literal + b"\r\n")
        assert re.match(rb"t (BAD|NO)|\* BYE", said), said


def test_an_unfinished_literal_holds_nobody_else_up(crowd, person):
    with Line(crowd, "imap") as line:
        assert b"OK" in line.tagged(f't LOGIN {person}@{DOMAIN} "{password(person)}"\r\n'.encode())
        assert line.ask(b"t APPEND INBOX {1000}\r\n").startswith(b"+ ")
        line.send(b"Subject: unfinished")
        assert crowd.subjects(person) == []
    assert crowd.subjects(person) == []


def nested(depth):
    head = b"Subject: deep\r\nMessage-ID: <deep@test>\r\n"
    opening = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(depth)
    )
    closing = b"".join(b"\r\n--b%d--\r\n" % n for n in reversed(range(depth)))
    return head + opening + b"Content-Type: text/plain\r\n\r\ndeep" + closing


@pytest.mark.parametrize(
    "message",
    [
        nested(100),
        nested(3000),
        b"Subject: \xff\xfe\xed\xa0\x80 broken\r\nFrom: \xc3\x28 <a@b>\r\n\r\n\xf0\x28\x8c\xbc\r\n",
        b"Subject: x\r\n" + b"X: y\r\n" * 50_000 + b"\r\nmany fields\r\n",
        b"Subject: x\r\nTo: " + b"a@b,\r\n " * 20_000 + b"c@d\r\n\r\nmany addresses\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 20_000 + b"--b--\r\n",
        b"no header at all\r\n",
        b"\r\n",
    ],
    ids=["100-levels", "3000-levels", "utf-8", "fields", "addresses", "parts", "no-header", "empty"],
)  # fmt: skip
def test_a_strange_message_is_taken_shown_and_given_back_as_it_was(crowd, person, message):
    with bounded(crowd, "mx-0", "store-0", "imap-0", "imap-1"):
        with Line(crowd, "mx") as line:
            line.to_data(person)
            assert line.ask(message + b".\r\n").startswith(b"250")
        until(lambda: count(crowd, person) == 1)
        client = crowd.imap(person)
        client.select()
        kind, _ = client.fetch("1", "(FLAGS ENVELOPE BODYSTRUCTURE)")
        assert kind == "OK"
        assert client.search(None, "TEXT", "nothing-like-it")[1] == [b""]
        client.logout()
    assert bodies(crowd, person) == [message]


def large(size):
    line = b"x" * 998 + b"\r\n"
    head = letter("large", "")
    return (
        head
        + line * ((size - len(head)) // len(line))
        + b"y" * ((size - len(head)) % len(line) - 2)
        + b"\r\n"
    )


def test_a_message_as_large_as_allowed_is_taken_and_one_that_is_larger_is_not(crowd, person):
    limit = int(re.search(rb"\d+", crowd.smtp().ehlo()[1].partition(b"SIZE")[2])[0])
    assert limit >= 50_000_000
    message = large(limit)
    assert len(message) == limit
    with bounded(crowd, "mx-0", "store-0", "imap-0", "imap-1", by=4 * limit):
        with crowd.smtp() as client:
            client.sendmail("you@example.net", [f"{person}@{DOMAIN}"], message)
        with Line(crowd, "mx") as line:
            line.ask(b"EHLO x\r\n")
            assert line.ask(b"MAIL FROM:<you@example.net> SIZE=%d\r\n" % (limit + 1)).startswith(b"552 5.3.4")
        with Line(crowd, "mx") as line:
            line.to_data(person)
            assert line.ask(message + b"one line more\r\n.\r\n").startswith(b"552 5.3.4")
            assert line.ask(b"NOOP\r\n").startswith(b"250")
        until(lambda: count(crowd, person) == 1)
        client = crowd.imap(person)
        client.select()
        [(_, raw), _] = client.fetch("1", "(BODY.PEEK[])")[1]
        client.logout()
    assert whole(raw) == message


def test_ten_thousand_recipients_are_refused_beyond_the_limit_and_the_others_get_it(crowd):
    names = crowd.people[-20:]
    before = {name: count(crowd, name) for name in names}
    with bounded(crowd, "mx-0", "store-0"), Line(crowd, "mx") as line:
        assert line.ask(b"EHLO x\r\n").startswith(b"250")
        assert line.ask(b"MAIL FROM:<you@example.net>\r\n").startswith(b"250")
        codes = []
        for begin in range(0, 10_000, 500):
            some = [f"RCPT TO:<{names[n % 20]}+{n}@{DOMAIN}>\r\n" for n in range(begin, begin + 500)]
            line.send("".join(some).encode())
            codes += [line.answer()[:3] for _ in some]
        assert codes == [b"250"] * 1000 + [b"452"] * 9000
        assert line.ask(b"DATA\r\n").startswith(b"354")
        assert line.ask(letter("everybody") + b".\r\n").startswith(b"250")
    for name in names:
        until(lambda: count(crowd, name) == before[name] + 1)  # noqa: B023


@pytest.mark.timed
def test_slow_clients_are_waited_for_and_hold_nobody_up(crowd, person):
    """One byte in 50 ms, in SMTP and in IMAP; others are served within 0.5 s meanwhile."""
    dialogues = {
        "mx": f"EHLO x\r\nMAIL FROM:<slow@example.net>\r\nRCPT TO:<{person}@{DOMAIN}>\r\n".encode()[:60],
        "imap": b"a NOOP\r\nb CAPABILITY\r\nc LOGIN nobody nothing\r\n"[:60],
        "pop3": b"CAPA\r\nUSER nobody\r\nCAPA\r\nCAPA\r\nCAPA\r\n",
    }

    def trickle(door):
        with Line(crowd, door) as line:
            for byte in dialogues[door]:
                line.send(bytes([byte]))
                time.sleep(0.05)
            answered.append((door, line.answer()))

    answered: list[tuple[str, bytes]] = []
    slow = [threading.Thread(target=trickle, args=(door,)) for door in dialogues for _ in range(10)]
    for each in slow:
        each.start()
    took = []
    while any(each.is_alive() for each in slow):
        began = time.monotonic()
        crowd.smtp().quit()
        crowd.imap(person).logout()
        took.append(time.monotonic() - began)
        time.sleep(0.1)
    assert len(answered) == 30 and all(said for _, said in answered)
    assert statistics.median(took) < 0.5, took  # a busy machine may be late once


@pytest.mark.timed
def test_who_doesn_t_read_a_large_answer_costs_little_memory_and_holds_nobody_up(crowd, person):
    message = large(20 * MIB)
    with crowd.smtp() as client:
        client.sendmail("you@example.net", [f"{person}@{DOMAIN}"], message)
    until(lambda: count(crowd, person) == 1)
    # a few times as much as one message is held while it is written; not once per client
    with bounded(crowd, "imap-0", "imap-1", by=300 * MIB), contextlib.ExitStack() as stack:
        for _ in range(20):
            line = stack.enter_context(Line(crowd, "imap"))
            assert b"OK" in line.tagged(f't LOGIN {person}@{DOMAIN} "{password(person)}"\r\n'.encode())
            line.tagged(b"t SELECT INBOX\r\n")
            line.send(b"t FETCH 1 BODY.PEEK[]\r\n" * 5)
        time.sleep(1)
        began = time.monotonic()
        other = crowd.imap(person)
        assert other.select()[0] == "OK"
        other.logout()
        assert time.monotonic() - began < 2


def test_a_thousand_connections_are_served(crowd, person):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    with bounded(crowd, "mx-0", by=80 * MIB), contextlib.ExitStack() as stack:
        lines = [stack.enter_context(Line(crowd, "mx")) for _ in range(990)]
        assert all(line.greeting.startswith(b"220") for line in lines)
        for line in lines:
            line.send(b"EHLO x\r\n")
        assert all(line.answer().startswith(b"250") for line in lines)
        crowd.send("among a thousand", to=person)
        # beyond what one address may have: a clear word
        more = [stack.enter_context(Line(crowd, "mx")) for _ in range(20)]
        assert more[-1].greeting.startswith(b"421 4.7.0"), more[-1].greeting
    until(lambda: crowd.subjects(person) == ["among a thousand"])
    until(lambda: crowd.smtp().noop()[0] == 250)


def test_nuls_and_bytes_that_are_no_text(crowd, person):
    with Line(crowd, "mx") as line:
        assert line.ask(b"EHLO \0\r\n").startswith(b"50")
        assert line.ask(b"NO\0OP\r\n").startswith(b"50")
        assert line.ask(b"EHLO x\r\n").startswith(b"250")
        assert line.ask(b"MAIL FROM:<\xff\xfe@example.net>\r\n").startswith(b"5")
        assert line.ask(b"MAIL FROM:<you@example.net>\r\n").startswith(b"250")
        assert line.ask(b"RCPT TO:<%s\0@example.org>\r\n" % person.encode()).startswith(b"5")
    with Line(crowd, "mx") as line:
        line.to_data(person)
        message = b"Subject: nul\r\n\r\na\0b\r\n"
        said = line.ask(message + b".\r\n")
        assert said[:1] in b"25", said
    if said.startswith(b"2"):
        until(lambda: count(crowd, person) == 1)
        assert bodies(crowd, person) == [message]
    with Line(crowd, "imap") as line:
        assert re.match(rb"(t|\*) BAD", line.ask(b"t LOGIN a\0b c\r\n"))
        assert b"OK" in line.tagged(f't LOGIN {person}@{DOMAIN} "{password(person)}"\r\n'.encode())
        assert re.match(rb"(t|\*) (BAD|NO)", line.tagged(b't CREATE "\xff\xfe"\r\n'))
        assert re.match(rb"t OK", line.tagged(b"t NOOP\r\n"))
    with Line(crowd, "pop3") as line:
        assert line.ask(b"USER \0\xff\r\n").startswith((b"-ERR", b"+OK"))
        assert line.ask(b"PASS \0\xff\r\n").startswith(b"-ERR")


def test_words_that_mean_nothing_end_the_connection_and_only_that(crowd, person):
    with crowd.smtp() as other, Line(crowd, "mx") as line:
        said = [line.ask(b"GET / HTTP/1.1\r\n") for _ in range(40)]
        assert any(each.startswith(b"421") for each in said) and said[-1] == b""
        other.sendmail("you@example.net", [f"{person}@{DOMAIN}"], letter("fine"))
    until(lambda: crowd.subjects(person) == ["fine"])
