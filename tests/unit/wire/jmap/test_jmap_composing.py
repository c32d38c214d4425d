"""What a client creates is written so that every reader reads the same of it. RFC 8621 §4.6"""

from __future__ import annotations

import datetime
import email
import email.policy
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.mime import parse
from holdfast.wire.jmap.composing import Blob, Stamp, blobs_named, compose
from holdfast.wire.jmap.email import EmailReader
from holdfast.wire.jmap.errors import SetRefused
from holdfast.wire.jmap.mail import EmailAddress, EmailAddressGroup
from holdfast.wire.jmap.methods import BodyWishes

STAMP = Stamp(
    datetime.datetime(2026, 3, 1, 8, 30, tzinfo=datetime.UTC), "made.here@mail.example", "=_boundary"
)
EVERY = BodyWishes(
    ("partId", "type", "name", "cid", "disposition", "charset", "size", "language", "location", "subParts"),
    every=True,
)


def read(message: bytes, *properties: str) -> dict:
    return EmailReader(properties, EVERY).read(parse(message), {"id": "m1"}, lambda part: f"p{part.number}")


def made(value: dict, blobs: dict[str, Blob] | None = None) -> bytes:
    return compose(value, blobs or {}, STAMP)


def text_of(text: str) -> dict:
    return {"textBody": [{"partId": "t"}], "bodyValues": {"t": {"value": text}}}


def of_python(message: bytes) -> email.message.EmailMessage:
    return email.message_from_bytes(message, policy=email.policy.default)  # type: ignore[return-value]


def refused(value: dict, blobs: dict[str, Blob] | None = None) -> SetRefused:
    with pytest.raises(SetRefused) as caught:
        made(value, blobs)
    return caught.value


def test_jmap_9_the_bytes_are_a_function_of_what_is_given():
    value = {"subject": "Grüße", "from": [{"name": "Ä", "email": "a@example.org"}], **text_of("ja\n")}
    assert made(value) == made(value) == (
        b"Date: Sun, 01 Mar 2026 08:30:00 +0000\r\n"
        b"From: =?utf-8?b?w4Q=?= <a@example.org>\r\n"
        b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"
        b"Message-ID: <made.here@mail.example>\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=\"us-ascii\"\r\n"
        b"\r\n"
        b"ja\r\n"
    )  # fmt: skip


def test_text_html_and_files_are_laid_out_as_readers_expect():
    message = made(
        {
            **text_of("Hallo"),
            "htmlBody": [{"partId": "h", "type": "text/html"}],
            "bodyValues": {"t": {"value": "Hallo"}, "h": {"value": "<img src='cid:logo@x'>"}},
            "attachments": [
                {"blobId": "b1", "type": "image/png", "cid": "logo@x", "name": "logo.png"},
                {
                    "blobId": "b2",
                    "name": "Übersicht für den Vorstand, endgültige Fassung, Stand März 2026.pdf",
                },
            ],
        },
        {"b1": Blob(b"\x89PNG", "image/png"), "b2": Blob(b"%PDF\0", "application/pdf")},
    )
    parts = [(part.get_content_type(), part.get_content_disposition()) for part in of_python(message).walk()]
    assert parts == [
        ("multipart/mixed", None),
        ("multipart/alternative", None),
        ("text/plain", None),
        ("multipart/related", None),
        ("text/html", None),
        ("image/png", "inline"),
        ("application/pdf", "attachment"),
    ]
    shown = read(message, "textBody", "htmlBody", "attachments", "bodyValues", "hasAttachment")
    assert [part["type"] for part in shown["textBody"]] == ["text/plain"]
    assert [part["type"] for part in shown["htmlBody"]] == ["text/html"]
    assert [(part["name"], part["cid"]) for part in shown["attachments"]] == [
        ("logo.png", "logo@x"),
        ("Übersicht für den Vorstand, endgültige Fassung, Stand März 2026.pdf", None),
    ]
    assert shown["hasAttachment"]
    (pdf,) = of_python(message).iter_attachments()
    assert pdf.get_filename() == "Übersicht für den Vorstand, endgültige Fassung, Stand März 2026.pdf"
    assert pdf.get_content() == b"%PDF\0"


def test_a_structure_of_the_clients_own_is_kept():
    structure = {
        "type": "multipart/mixed",
        "header:X-Whole": " yes",
        "subParts": [
            {
                "partId": "1",
                "type": "text/plain",
                "language": ["de", "en-GB"],
                "header:Content-Description:asText": "Wörter",
            },
            {"blobId": "m", "type": "message/rfc822", "disposition": "attachment"},
            {
                "blobId": "c",
                "charset": "iso-8859-1",
                "type": "text/csv",
                "location": "https://example.org/a.csv",
            },
        ],
    }
    blobs = {"m": Blob(b"Subject: inner\n\nd\xc3\xa4\n", "message/rfc822"), "c": Blob(b"a;\xe4\n", "")}
    message = made({"bodyStructure": structure, "bodyValues": {"1": {"value": "x"}}}, blobs)
    shown = read(message, "bodyStructure", "bodyValues", "header:X-Whole")
    assert shown["header:X-Whole"] == " yes"
    first, inner, table = shown["bodyStructure"]["subParts"]
    assert (first["type"], first["language"], first["charset"]) == ("text/plain", ["de", "en-GB"], "us-ascii")
    assert b"Content-Description: =?utf-8?" in message
    assert (inner["type"], inner["disposition"]) == ("message/rfc822", "attachment")
    assert (table["type"], table["charset"], table["location"]) == (
        "text/csv",
        "iso-8859-1",
        "https://example.org/a.csv",
    )
    assert shown["bodyValues"]["3"].value == "a;ä\n"
    part = list(of_python(message).walk())
    assert part[-1].get_payload(decode=True) == b"a;\xe4\n"


def test_blobs_are_named_before_they_are_read():
    value = {
        "attachments": [{"blobId": "b1"}, {"blobId": "b2"}, {"blobId": "b1"}],
        "bodyStructure": {"subParts": [{"blobId": "b3"}, "odd", {"subParts": {"x": 1}}]},
    }
    assert set(blobs_named(value)) == {"b1", "b2", "b3"}
    error = refused({"attachments": [{"blobId": "gone"}]}).error
    assert (error.type, error.not_found) == ("blobNotFound", ["gone"])


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"subject": "a", "header:Subject:asText": "b"}, "header:Subject:asText"),
        ({"headers": []}, "headers"),
        ({"header:Content-Type": "text/html"}, "header:Content-Type"),
        ({"header:X-A": " a\r\nBcc: b@example.org"}, "header:X-A"),
        ({"header:From:asText": "a"}, "header:From:asText"),
        ({"from": "a@example.org"}, "from"),
        ({"messageId": ["a> <b"]}, "messageId"),
        ({"sentAt": "yesterday"}, "sentAt"),
        ({"size": 3}, "size"),
        ({"preview": "x"}, "preview"),
        ({"textBody": [{"partId": "t"}]}, "textBody/0/partId"),
        ({**text_of("x"), "textBody": [{"partId": "t", "type": "text/html"}]}, "textBody/0/type"),
        ({**text_of("x"), "textBody": [{"partId": "t", "charset": "utf-8"}]}, "textBody/0"),
        ({**text_of("x"), "textBody": [{"partId": "t", "blobId": "b"}]}, "textBody/0"),
        ({**text_of("x"), "textBody": [{"partId": "t"}] * 2}, "textBody"),
        ({**text_of("x"), "bodyStructure": {"partId": "t"}}, "textBody"),
        ({"bodyStructure": {"type": "multipart/mixed"}}, "bodyStructure/subParts"),
        ({"bodyStructure": {"type": "text/plain; charset=x", "partId": "t"}}, "bodyStructure/type"),
        ({"bodyValues": {"t": {"value": "x", "isTruncated": True}}}, "bodyValues"),
        (
            {"bodyStructure": {"partId": "t", "header:Content-Transfer-Encoding": " 8bit"}},
            "bodyStructure/header:Content-Transfer-Encoding",
        ),
        (
            {"subject": "a", "bodyStructure": {"partId": "t", "header:Subject": " b"}},
            "bodyStructure/header:Subject",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_refused_by_name(value, named):
    error = refused(value, {"b": Blob(b"", "")}).error
    assert (error.type, error.properties) == ("invalidProperties", [named])


def no_longer_than_a_line_may_be(message: bytes) -> bool:
    return all(len(line) <= 998 for line in message.split(b"\r\n")) and b"\n" not in message.replace(
        b"\r\n", b""
    )


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=200)


@given(TEXT)
@settings(deadline=None)
def test_a_subject_is_read_as_it_was_written(text):
    message = made({"subject": text})
    assert no_longer_than_a_line_may_be(message)
    expected = text if text.isprintable() or text.isascii() else read(message, "subject")["subject"]
    assert unicodedata.normalize("NFC", read(message, "subject")["subject"]) == unicodedata.normalize(
        "NFC", expected
    )


@given(st.text(max_size=300), st.booleans())
@settings(deadline=None)
def test_a_body_is_read_as_it_was_written(text, is_html):
    text = text.encode("utf-8", "replace").decode()
    name, kind = ("htmlBody", "text/html") if is_html else ("textBody", "text/plain")
    message = made({name: [{"partId": "t", "type": kind}], "bodyValues": {"t": {"value": text}}})
    assert no_longer_than_a_line_may_be(message)
    value = read(message, "bodyValues")["bodyValues"]["1"]
    assert value.value == text.replace("\r\n", "\n").replace("\r", "\n")
    assert not value.is_encoding_problem
    assert of_python(message).get_payload(decode=True).decode().replace("\r\n", "\n") == value.value


def test_lines_of_any_length_pass():
    for text in ("x" * 5000, "ü" * 5000, "a b " * 2000 + "\n.\n.. \nFrom x\n", "\0" * 10):
        message = made(text_of(text))
        assert no_longer_than_a_line_may_be(message)
        assert read(message, "bodyValues")["bodyValues"]["1"].value == text


LOCALS = st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\.[a-z0-9]{1,5})?", fullmatch=True)
NAMES = st.none() | st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"], include_characters=" "),
    min_size=1,
    max_size=60,
).map(lambda name: " ".join(name.split())).filter(bool).map(lambda name: unicodedata.normalize("NFC", name))
ADDRESSES = st.lists(
    st.builds(lambda name, local: EmailAddress(name=name, email=f"{local}@example.org"), NAMES, LOCALS),
    max_size=6,
)


@given(ADDRESSES)
@settings(deadline=None)
@pytest.mark.slow
def test_addresses_are_read_as_they_were_written(addresses):
    message = made({"to": [{"name": each.name, "email": each.email} for each in addresses]})
    assert no_longer_than_a_line_may_be(message)
    assert read(message, "to")["to"] == (addresses or None)


@given(st.lists(st.tuples(NAMES, ADDRESSES.filter(bool)), min_size=1, max_size=4))
@settings(deadline=None)
@pytest.mark.slow
def test_groups_are_read_as_they_were_written(groups):
    given_groups = [{"name": name, "addresses": addresses} for name, addresses in groups]
    joined: list[EmailAddressGroup] = []
    for name, addresses in groups:
        if name is None and joined and joined[-1].name is None:
            joined[-1].addresses.extend(addresses)
        else:
            joined.append(EmailAddressGroup(name=name, addresses=list(addresses)))
    message = made({"header:Cc:asGroupedAddresses": given_groups})
    assert read(message, "header:Cc:asGroupedAddresses")["header:Cc:asGroupedAddresses"] == joined


def test_a_half_written_recipient_is_kept_and_cannot_begin_another_field():
    message = made({"to": [{"email": "Johan Smi"}], "cc": [{"name": "x\r\nBcc: y", "email": "a@b\r\nX: z"}]})
    assert read(message, "to")["to"] == [EmailAddress(name=None, email="Johan Smi")]
    assert [name for name, _ in of_python(message).items() if name in ("Bcc", "X")] == []


def test_ids_dates_and_urls_are_read_as_they_were_written():
    value = {
        "messageId": ["own@example.org"],
        "references": [f"{n}@example.org" for n in range(50)],
        "inReplyTo": ["49@example.org"],
        "sentAt": "2026-02-03T04:05:06-03:30",
        "header:List-Post:asURLs": ["mailto:a@example.org", "https://example.org/?a=b"],
        "header:X-Many:asText:all": ["eins", "zwei ü"],
    }
    message = made(value)
    assert no_longer_than_a_line_may_be(message)
    shown = read(message, *value)
    assert shown.pop("sentAt").isoformat() == value.pop("sentAt")
    shown.pop("id")
    assert shown == value
    assert b"made.here" not in message


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=120)
    .map(str.strip)
    .filter(bool)
)
@settings(deadline=None)
def test_a_files_name_and_bytes_are_kept(name):
    data = b"\0\xff\r\n" * 40
    message = made({"attachments": [{"blobId": "b", "name": name}]}, {"b": Blob(data, "application/x-any")})
    assert no_longer_than_a_line_may_be(message)
    (part,) = read(message, "attachments")["attachments"]
    assert (part["disposition"], part["type"], part["size"]) == ("attachment", "application/x-any", len(data))
    if name.isprintable():
        assert " ".join(part["name"].split()) == " ".join(name.split())
    assert of_python(message).get_content_type() == "multipart/mixed"
