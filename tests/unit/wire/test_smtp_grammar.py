"""The arguments of MAIL and RCPT, and the table of replies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.model.address import NULL_SENDER, Address
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.wire.smtp import replies
from holdfast.wire.smtp.events import MailParameters, RcptParameters
from holdfast.wire.smtp.grammar import BadArgument, bdat_argument, hello_name, mail_argument, rcpt_argument
from holdfast.wire.smtp.replies import Reply


def _mail(argument: str) -> tuple[Address, MailParameters]:
    return mail_argument(argument.encode(), extended=True)


def _rcpt(argument: str, *, smtputf8: bool = False) -> tuple[Address, RcptParameters]:
    return rcpt_argument(argument.encode(), extended=True, smtputf8=smtputf8)


@pytest.mark.parametrize(
    ("argument", "address"),
    [
        ("FROM:<anna@example.org>", Address("anna", "example.org")),
        ("from: <anna@Example.ORG>", Address("anna", "example.org")),
        ("FROM:<>", NULL_SENDER),
        ('FROM:<"a > b"@example.org>', Address("a > b", "example.org")),
        ("FROM:<@hop.example,@hop2.example:anna@example.org>", Address("anna", "example.org")),
        ("FROM:<anna@[192.0.2.1]>", Address("anna", "[192.0.2.1]")),
        ("FROM:<j\u00fcrgen@m\u00fcller.example> SMTPUTF8", Address("j\u00fcrgen", "m\u00fcller.example")),
    ],
)
def test_senders_that_are_possible(argument: str, address: Address) -> None:
    assert _mail(argument)[0] == address


@pytest.mark.parametrize(
    "argument",
    [
        "",
        "FROM",
        "FROM:anna@example.org",
        "FROM:<anna@example.org",
        "FROM:<anna>",
        "FROM:<anna@>",
        "FROM:<a b@example.org>",
        "FROM:<a@b>x",
        "FROM:<a@b><c@d>",
        "FROM:<<a@b>>",
        "FROM:<" + "a" * 400 + "@example.org>",
        "FROM:<@hop:>",
        "FROM:<" + '"' * 3000 + ">",
    ],
)
def test_senders_that_are_not_possible_get_501(argument: str) -> None:
    with pytest.raises(BadArgument) as caught:
        _mail(argument)
    assert caught.value.reply.code == 501


def test_an_address_that_is_not_utf8_gets_501() -> None:
    with pytest.raises(BadArgument) as caught:
        mail_argument(b"FROM:<a\xff@example.org> SMTPUTF8", extended=True)
    assert caught.value.reply == replies.BAD_SENDER


def test_an_address_outside_ascii_needs_smtputf8() -> None:
    with pytest.raises(BadArgument) as caught:
        _mail("FROM:<j\u00fcrgen@example.org>")
    assert caught.value.reply.enhanced == "5.6.7"
    with pytest.raises(BadArgument) as caught:
        _rcpt("TO:<j\u00fcrgen@example.org>")
    assert (caught.value.reply.code, caught.value.reply.enhanced) == (553, "5.6.7")
    assert _rcpt("TO:<j\u00fcrgen@example.org>", smtputf8=True)[0].local == "j\u00fcrgen"


def test_postmaster_needs_no_domain() -> None:
    assert _rcpt("TO:<Postmaster>")[0] == Address("Postmaster", "")


def test_parameters_of_mail() -> None:
    _, parameters = _mail("FROM:<a@b> SIZE=123 body=8bitmime SMTPUTF8 RET=hdrs ENVID=a+2Bb AUTH=<>")
    assert parameters == MailParameters(123, True, True, "HDRS", "a+2Bb", "<>")


def test_parameters_of_rcpt() -> None:
    _, parameters = _rcpt("TO:<a@b> NOTIFY=success,FAILURE ORCPT=rfc822;a+2Bx@b")
    assert parameters == RcptParameters("SUCCESS,FAILURE", "rfc822;a+2Bx@b")


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        ("SIZE=x", 501),
        ("SIZE", 501),
        ("SIZE=\u0663", 501),
        ("SIZE=1 SIZE=2", 501),
        ("BODY=BINARYMIME", 501),
        ("BODY", 501),
        ("SMTPUTF8=1", 501),
        ("RET=SOME", 501),
        ("ENVID=+zz", 501),
        ("ENVID=" + "x" * 101, 501),
        ("=x", 501),
        ("XYZ=1", 555),
        ("NOTIFY=NEVER", 555),
    ],
)
def test_parameters_of_mail_that_are_not_possible(rest: str, code: int) -> None:
    with pytest.raises(BadArgument) as caught:
        _mail(f"FROM:<a@b> {rest}")
    assert caught.value.reply.code == code


@pytest.mark.parametrize(
    "rest", ["NOTIFY=NEVER,FAILURE", "NOTIFY=", "NOTIFY=SUCCESS,SUCCESS", "ORCPT=x", "ORCPT"]
)
def test_parameters_of_rcpt_that_are_not_possible(rest: str) -> None:
    with pytest.raises(BadArgument):
        _rcpt(f"TO:<a@b> {rest}")


def test_parameters_need_ehlo() -> None:
    with pytest.raises(BadArgument) as caught:
        mail_argument(b"FROM:<a@b> SIZE=3", extended=False)
    assert caught.value.reply.code == 555


@given(st.binary(max_size=60), st.booleans())
def test_no_argument_breaks_the_grammar(argument: bytes, prefix: bool) -> None:
    for parse in (
        lambda: mail_argument((b"FROM:<" if prefix else b"") + argument, extended=True),
        lambda: rcpt_argument((b"TO:<" if prefix else b"") + argument, extended=True, smtputf8=True),
        lambda: bdat_argument(argument),
    ):
        try:
            parse()
        except BadArgument as error:
            assert 500 <= error.reply.code < 600


def test_a_client_needs_one_word_for_a_name() -> None:
    assert hello_name(b"client.example ") == "client.example"
    assert [hello_name(bad) for bad in (b"", b" ", b"a b", b"a\x07", b"x" * 256)] == [None] * 5


@pytest.mark.parametrize(
    ("argument", "found"), [(b"5", (5, False)), (b"5 last", (5, True)), (b"0 LAST", (0, True))]
)
def test_bdat_needs_a_size_and_maybe_last(argument: bytes, found: tuple[int, bool]) -> None:
    assert bdat_argument(argument) == found
    for bad in (b"", b"-1", b"5 6", b"5 LAST x", b"9" * 13):
        with pytest.raises(BadArgument):
            bdat_argument(bad)


# replies


@pytest.mark.parametrize(
    "component", ["people", "auth", "volume-v1/mx-0", "cell-07/index", "dns", "store", "x"]
)
def test_unavailable_is_always_temporary_and_names_its_component(component: str) -> None:
    """SMTP-5."""
    reply = replies.for_error(Unavailable(component))
    assert reply.temporary and reply.enhanced.startswith("4.")
    assert component in reply.text


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_reply_with_matching_classes(reason: Reason) -> None:
    reply = replies.for_error(Refused(reason, "because"))
    assert str(reply.code)[0] == reply.enhanced[0] in "45"
    assert reply.text == "because"


def test_text_can_not_break_a_reply_line() -> None:
    """SMTP-6."""
    assert Reply(550, "5.1.1", "a\rb\x00c\u00e4").encode() == b"550 5.1.1 a b c?\r\n"
    assert Reply(250, "2.0.0", "one\ntwo").encode() == b"250-2.0.0 one\r\n250 2.0.0 two\r\n"
    assert max(map(len, Reply(550, "5.1.1", "x" * 9999).encode().split(b"\r\n"))) <= 512
