"""Gateways: text messages over real HTTP, mail into a real intake, and what people type as phone numbers."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path

import pytest

import holdfast.functions.signup
import holdfast.portal
from gateway import Gateway, gateway
from holdfast.flow.intake import Intake
from holdfast.model.address import Address
from holdfast.model.envelope import Delivery
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.mail import START
from holdfast.model.people import Local, Remote, Route
from holdfast.packs import LedgerReader
from holdfast.pages.texts import LANGUAGES, Texts, read
from holdfast.partners.sms import SmsSettings, parse_phone, shown_phone
from holdfast.portal.gateways import MailGateway, SmsGateway
from holdfast.world import World, real_world
from holdfast.world import run as run_really
from holdfast.world.http import HttpClient

FOLDERS = [Path(each.__file__).parent / "messages" for each in (holdfast.portal, holdfast.functions.signup)]
TEXTS = Texts(FOLDERS)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("+49 170 123 45 67", "+491701234567"),
        ("0049170/1234567", "+491701234567"),
        ("0170-1234567", "+491701234567"),
        ("+49 (0)170 1234567", "+491701234567"),
        ("(0170) 123.4567", "+491701234567"),
        ("+44 7700 900123", "+447700900123"),
    ],
)
def test_a_phone_number_is_understood_as_people_write_it(typed: str, number: str) -> None:
    assert parse_phone(typed, "49") == number


@pytest.mark.parametrize(
    "typed", ["", "my phone", "170 1234567", "+0 123456789", "+49 12", "+49" + "1" * 14, "+49١٢٣٤٥٦٧"]
)
def test_what_is_no_phone_number_is_refused(typed: str) -> None:
    with pytest.raises(Refused):
        parse_phone(typed, "49")


def test_without_a_country_configured_a_number_must_name_its_own() -> None:
    with pytest.raises(Refused):
        parse_phone("0170 1234567")
    assert shown_phone("+491701234567") == "+49 … 67"


@pytest.fixture
def partner() -> Iterator[Gateway]:
    with gateway() as made:
        yield made


@pytest.fixture
def world(tmp_path: Path) -> World:
    return real_world(journal_path=str(tmp_path / "journal"))


def send_sms(
    world: World, settings: SmsSettings, to: str = "+491701234567", text: str = 'Grüße & "x"'
) -> None:
    async def send() -> None:
        client = HttpClient(world)
        try:
            await SmsGateway(client, settings, TEXTS.say, "Example").send(to, text)
        finally:
            await client.close()

    run_really(send())


@pytest.mark.slow
def test_the_body_is_quoted_as_its_kind_wants_it(world: World, partner: Gateway) -> None:
    json = SmsSettings(
        partner.url + "/sms",
        headers={"Content-Type": "application/json", "Authorization": "Bearer {secret}"},
        body='{"to": "{phone}", "text": "{text}"}',
        secret=lambda: "s3cret",
    )
    send_sms(world, json)
    form = json._replace(
        headers={"Content-Type": "application/x-www-form-urlencoded"}, body="to={phone}&text={text}"
    )
    send_sms(world, form)
    send_sms(
        world, SmsSettings(partner.url + "/s?to={phone}&t={text}&k={secret}", "GET", secret=lambda: "a b")
    )
    first, second, third = partner.requests
    assert first[0:2] == ("POST", "/sms") and first[2]["authorization"] == "Bearer s3cret"
    assert first[3].decode() == '{"to": "+491701234567", "text": "Gr\\u00fc\\u00dfe & \\"x\\""}'
    assert second[3] == b"to=%2B491701234567&text=Gr%C3%BC%C3%9Fe%20%26%20%22x%22"
    assert third[1] == "/s?to=%2B491701234567&t=Gr%C3%BC%C3%9Fe%20%26%20%22x%22&k=a%20b"


def test_what_a_value_contains_is_never_taken_for_a_place_to_fill_in(world: World, partner: Gateway) -> None:
    settings = SmsSettings(
        partner.url, headers={"Content-Type": "text/plain"}, body="{text}", secret=lambda: "s3cret"
    )
    send_sms(world, settings, text="{secret} {phone}")
    assert partner.requests[0][3] == b"{secret} {phone}"


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503, 302])
def test_a_gateway_in_trouble_is_asked_again(world: World, partner: Gateway, status: int) -> None:
    partner.status = status
    with pytest.raises(Unavailable) as caught:
        send_sms(world, SmsSettings(partner.url))
    assert caught.value.component == "partner/sms" and "s3cret" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_number_that_a_gateway_refuses_is_not(world: World, partner: Gateway, status: int) -> None:
    partner.status = status
    with pytest.raises(Refused):
        send_sms(world, SmsSettings(partner.url))


@pytest.mark.slow
def test_partner_1_a_gateway_that_says_200_to_everything_is_believed_by_its_word(
    world: World, partner: Gateway
) -> None:
    with pytest.raises(Unavailable):
        send_sms(world, SmsSettings(partner.url, expect="OK:"))
    partner.body = b"OK: 1"
    send_sms(world, SmsSettings(partner.url, expect="OK:"))


@pytest.mark.slow
def test_a_secret_that_can_not_be_read_and_a_server_that_is_gone_are_unavailable(world: World) -> None:
    def missing() -> str:
        raise FileNotFoundError("secret")

    with pytest.raises(Unavailable):
        send_sms(world, SmsSettings("http://127.0.0.1:9/", secret=missing))
    with pytest.raises(Unavailable):
        send_sms(world, SmsSettings("http://127.0.0.1:9/"))


@pytest.mark.slow
def test_partner_2_an_error_says_no_number_no_text_and_no_secret(world: World) -> None:
    for url in ("http://127.0.0.1:x{secret}/", "http://[{phone}/", "http://{text}:port/"):
        with pytest.raises(Unavailable) as caught:
            send_sms(world, SmsSettings(url, secret=lambda: "s3cret"), text="hidden")
        assert not any(each in str(caught.value) for each in ("s3cret", "491701234567", "hidden"))


def test_proof_6_countries_that_are_not_served_cost_nothing(world: World, partner: Gateway) -> None:
    with pytest.raises(Refused) as caught:
        send_sms(world, SmsSettings(partner.url, countries=("+49", "+43")), to="+8801234567")
    assert caught.value.reason is Reason.NOT_ALLOWED and not partner.requests


class Routes:
    def route(self, address: Address, *, sending: bool = False) -> Route:
        assert sending
        return Local(7, 3) if address.domain == "example.org" else Remote(address)


def letters(world: World, folder: Path, *to: str) -> list[tuple[Delivery, Message]]:
    """What is in the intake after a code was sent to each."""
    import msgspec

    async def send() -> list[tuple[Delivery, Message]]:
        intake = Intake(world, str(folder), "signup-0", host="mail.example.org", inflight_bytes=1 << 20)
        await intake.open()
        gateway = MailGateway(
            world, Routes(), intake, TEXTS.say,
            sender="Grüne Post", address="no-reply@example.org", host="mail.example.org",
        )  # fmt: skip
        for each in to:
            await gateway.send_code(each, "482913", "de", "signup")
        await intake.close()
        found = []
        reader = LedgerReader(world, str(folder), "signup-0")
        for frame in reader.follow(START):
            if getattr(frame, "kind", 0) != 1:
                continue
            body = bytes(frame.body)  # type: ignore[union-attr]
            size = int.from_bytes(body[:4], "little")
            meta = msgspec.msgpack.decode(body[4 : 4 + size], type=Delivery)
            found.append((meta, message_from_bytes(body[4 + size :])))
        return found

    return run_really(send())


def test_a_code_by_mail_is_in_the_intake_for_who_has_the_address(world: World, tmp_path: Path) -> None:
    elsewhere, here = letters(world, tmp_path, "dora@elsewhere.example", "dora@example.org")
    assert [each.address for each in elsewhere[0].remote] == ["dora@elsewhere.example"]
    assert [each.account for each in here[0].local] == [7] and elsewhere[0].sender == ""
    message = elsewhere[1]
    assert str(make_header(decode_header(message["From"]))) == "Grüne Post <no-reply@example.org>"
    assert message["Subject"] == "482913 ist Ihr Code"
    assert message["Auto-Submitted"] == "auto-generated" and message["Content-Language"] == "de"
    body = message.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert "    482913\r\n" in body.decode() and "dora@elsewhere.example" in body.decode()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda each: each.parent.name)
def test_messages_say_the_same_in_every_language(folder: Path) -> None:
    english = read(folder, "en")
    for language in LANGUAGES:
        other = read(folder, language)
        assert other.keys() == english.keys()
        for key, text in other.items():
            assert isinstance(text, str)
            used = {word for word in ("{code}", "{sender}", "{address}", "{link}") if word in text}
            assert used == {
                word for word in ("{code}", "{sender}", "{address}", "{link}") if word in str(english[key])
            }


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_fits_into_one_text_message(language: str) -> None:
    """160 septets of the default alphabet (3GPP TS 23.038 §6.2.1), which has no dashes or quotes of print."""
    text = TEXTS.say(language, "proof.sms", code="482913", sender="Example Mail Service")
    assert len(text) <= 160
    assert all(each.isascii() or each in "äöüÄÖÜß" for each in text)
