"""From messages to the properties of an Email."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.make import messages
from holdfast.mime.structure import MULTIPART, Part, Root, parse
from holdfast.wire.jmap.bodies import Numbered, bodies, body_value, leaves, numbered
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.email import EmailReader
from holdfast.wire.jmap.errors import MethodError
from holdfast.wire.jmap.mail import BODY_PROPERTIES, EMAIL_PROPERTIES, KEPT_PROPERTIES, Email
from holdfast.wire.jmap.methods import BodyWishes

CORPUS = dict(messages())
ALL = BodyWishes(properties=tuple(sorted(BODY_PROPERTIES)), every=True)


def blob_of(what: Numbered) -> str:
    return f"B-{what.number}"


def read(message: bytes, *properties: str, wishes: BodyWishes = ALL, **kept: object) -> Json:
    return EmailReader(properties, wishes).read(parse(message), {"id": "E1", **kept}, blob_of)


def leaf(kind: str, disposition: str = "", name: str = "") -> bytes:
    lines = [f"Content-Type: {kind}" + (f'; name="{name}"' if name else "")]
    if disposition:
        lines.append(f"Content-Disposition: {disposition}")
    return ("\r\n".join(lines) + "\r\n\r\nx").encode()


def multipart(subtype: str, *parts: bytes) -> bytes:
    boundary = b"b%d" % len(b"".join(parts))
    body = b"".join(b"\r\n--" + boundary + b"\r\n" + part for part in parts)
    head = b'Content-Type: multipart/%s; boundary="%b"\r\n\r\n' % (subtype.encode(), boundary)
    return head + body + b"\r\n--" + boundary + b"--\r\n"


def decomposed(message: bytes) -> dict[str, list[str]]:
    found = bodies(numbered(parse(b"MIME-Version: 1.0\r\n" + message)))
    return {kind: [each.number for each in getattr(found, kind)] for kind in ("text", "html", "attachments")}


def test_jmap_7_the_example_of_the_rfc_is_decomposed_as_there():
    """RFC 8621 §4.1.4: parts A to K, in its order."""
    message = multipart(
        "mixed",
        leaf("text/plain", "inline"),  # A = 1
        multipart(
            "mixed",
            multipart(
                "alternative",
                multipart(
                    "mixed",
                    leaf("text/plain", "inline"),  # B = 2.1.1.1
                    leaf("image/jpeg", "inline"),  # C = 2.1.1.2
                    leaf("text/plain", "inline"),  # D = 2.1.1.3
                ),
                multipart("related", leaf("text/html"), leaf("image/jpeg")),  # E = 2.1.2.1, F = 2.1.2.2
            ),
            leaf("image/jpeg", "attachment"),  # G = 2.2
            leaf("application/x-excel"),  # H = 2.3
            leaf("message/rfc822"),  # J = 2.4
        ),
        leaf("text/plain", "inline"),  # K = 3
    )
    assert decomposed(message) == {
        "text": ["1", "2.1.1.1", "2.1.1.2", "2.1.1.3", "3"],
        "html": ["1", "2.1.2.1", "3"],
        "attachments": ["2.1.1.2", "2.1.2.2", "2.2", "2.3", "2.4"],
    }


@pytest.mark.parametrize(
    ("message", "text", "html", "attachments"),
    [
        (leaf("text/plain"), ["1"], ["1"], []),
        (leaf("text/html"), ["1"], ["1"], []),
        (leaf("text/calendar"), [], [], ["1"]),
        (leaf("image/png"), ["1"], ["1"], []),
        (leaf("text/plain", "attachment"), [], [], ["1"]),
        (multipart("alternative", leaf("text/plain"), leaf("text/html")), ["1"], ["2"], []),
        (multipart("alternative", leaf("text/html")), ["1"], ["1"], []),
        (multipart("alternative", leaf("text/plain")), ["1"], ["1"], []),
        (multipart("alternative", leaf("text/plain"), leaf("text/calendar")), ["1"], ["1"], ["2"]),
        (multipart("mixed", leaf("text/plain"), leaf("text/plain", "", "a.txt")), ["1"], ["1"], ["2"]),
        (multipart("mixed", leaf("text/plain", "", "a.txt")), ["1"], ["1"], []),
        (multipart("mixed", leaf("text/html"), leaf("image/png")), ["1", "2"], ["1", "2"], []),
        (multipart("related", leaf("text/html"), leaf("image/png")), ["1"], ["1"], ["2"]),
    ],
)
def test_jmap_7_usual_messages_are_decomposed(
    message: bytes, text: list[str], html: list[str], attachments: list[str]
):
    assert decomposed(message) == {"text": text, "html": html, "attachments": attachments}


SIMPLE = (
    b"From: =?utf-8?q?J=C3=B6?= <jo@example.org>\r\nTo: a@b, c@d\r\nSubject: Hi\r\n  there\r\n"
    b"Message-ID: <1@x>\r\nReferences: <0@x> <z@x>\r\nDate: Tue, 10 Jul 2018 01:03:11 +1000\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
    b"\r\nR3LDvMOfZQ0KU8OkbSE=\r\n"
)


def test_a_plain_message_has_the_properties_one_sees():
    asked = [
        "from",
        "to",
        "cc",
        "subject",
        "messageId",
        "references",
        "inReplyTo",
        "sentAt",
        "preview",
        "size",
    ]
    asked += ["hasAttachment", "textBody", "bodyValues", "header:To:asAddresses:all"]
    email = msgspec.to_builtins(read(SIMPLE, *asked, wishes=BodyWishes(text=True), size=len(SIMPLE)))
    assert email == {
        "id": "E1",
        "from": [{"name": "Jö", "email": "jo@example.org"}],
        "to": [{"name": None, "email": "a@b"}, {"name": None, "email": "c@d"}],
        "cc": None,
        "subject": "Hi there",
        "messageId": ["1@x"],
        "references": ["0@x", "z@x"],
        "inReplyTo": None,
        "sentAt": "2018-07-10T01:03:11+10:00",
        "preview": "Grüße Säm!",
        "hasAttachment": False,
        "textBody": [
            {
                "partId": "1",
                "blobId": "B-1",
                "size": 14,
                "name": None,
                "type": "text/plain",
                "charset": "utf-8",
                "disposition": None,
                "cid": None,
                "language": None,
                "location": None,
            }
        ],
        "bodyValues": {"1": {"value": "Grüße\nSäm!", "isEncodingProblem": False, "isTruncated": False}},
        "header:To:asAddresses:all": [[{"name": None, "email": "a@b"}, {"name": None, "email": "c@d"}]],
        "size": len(SIMPLE),
    }


def test_the_structure_has_all_parts_and_their_headers():
    message = b"MIME-Version: 1.0\r\n" + multipart(
        "mixed",
        leaf("text/plain"),
        b"Content-Type: image/png\r\nContent-ID: <c@d>\r\nContent-Language: de, en\r\nX-A: 1\r\n"
        b"Content-Disposition: attachment; filename*=utf-8''%C3%A4.png\r\nContent-Location: http://x/y\r\n\r\nx",
    )
    wishes = BodyWishes(
        properties=("partId", "type", "name", "cid", "language", "location", "header:x-a:asText")
    )
    structure = read(message, "bodyStructure", wishes=wishes)["bodyStructure"]
    nothing = {"name": None, "cid": None, "language": None, "location": None, "header:x-a:asText": None}
    assert structure == {
        **nothing,
        "partId": None,
        "type": "multipart/mixed",
        "subParts": [
            {**nothing, "partId": "1", "type": "text/plain"},
            {
                "partId": "2",
                "type": "image/png",
                "name": "ä.png",
                "cid": "c@d",
                "language": ["de", "en"],
                "location": "http://x/y",
                "header:x-a:asText": "1",
            },
        ],
    }


def test_header_names_keep_their_letters():
    headers = msgspec.to_builtins(read(b"SubJect : x\r\nno field\r\nX-Y:z\r\n\r\n", "headers")["headers"])
    assert headers == [{"name": "SubJect", "value": " x"}, {"name": "X-Y", "value": "z"}]


def text_part(content_type: str, body: bytes) -> Part:
    return parse(f"MIME-Version: 1.0\r\nContent-Type: {content_type}\r\n\r\n".encode() + body)


def test_a_value_is_never_cut_within_a_character_or_a_tag():
    part = text_part("text/plain; charset=utf-8", "aäöü".encode())
    assert [body_value(part, size).value for size in (1, 2, 3, 4, 5, 6, 7, 8)] == [
        *("a", "a", "aä", "aä", "aäö", "aäö", "aäöü", "aäöü"),
    ]
    assert [body_value(part, size).is_truncated for size in (6, 7, 0)] == [True, False, False]
    html = text_part("text/html", b"<p>one</p><img src='x'>")
    assert body_value(html, 15).value == "<p>one</p>"
    assert body_value(html, 9).value == "<p>one"


def test_a_charset_that_is_wrong_is_told():
    assert body_value(text_part("text/plain; charset=utf-8", b"\xff\xfe\xfd")).is_encoding_problem
    assert body_value(text_part("text/plain; charset=klingon", b"x")).is_encoding_problem
    assert not body_value(text_part("text/plain", b"x")).is_encoding_problem


def test_properties_that_do_not_exist_are_refused_before_any_message_is_read():
    for properties, wishes in ((["colour"], ALL), (["subject"], BodyWishes(properties=("colour",)))):
        with pytest.raises(MethodError, match="colour"):
            EmailReader(properties, wishes)


def test_what_the_index_keeps_needs_no_message():
    reader = EmailReader(sorted(KEPT_PROPERTIES), BodyWishes())
    assert not reader.needs_message()
    kept = {name: name for name in KEPT_PROPERTIES}
    assert reader.read(None, kept, blob_of) == kept
    assert EmailReader(["subject"], BodyWishes()).needs_message()
    assert not EmailReader(["subject"], BodyWishes()).needs_message(KEPT_PROPERTIES | {"subject"})
    assert not EmailReader(["bodyValues"], BodyWishes()).needs_message()
    assert EmailReader(["bodyValues"], BodyWishes(html=True)).needs_message()


def check_whole(message: bytes) -> None:
    root: Root = parse(message)
    reader = EmailReader(sorted(EMAIL_PROPERTIES - KEPT_PROPERTIES), ALL)
    made = msgspec.json.encode(reader.read(root, {"id": "E1"}, blob_of))
    email = msgspec.json.decode(made, type=Email)
    assert (
        isinstance(email.body_values, dict) and isinstance(email.preview, str) and len(email.preview) <= 256
    )
    tree = numbered(root)
    found = bodies(tree)
    sorted_in = {each.number for kind in found for each in kind}
    every = {each.number for each in leaves(tree)}
    assert sorted_in <= every
    if not any(part.kind == MULTIPART and part.subtype == "alternative" for part in root.walk()):
        assert sorted_in == every
    assert email.body_values.keys() == {each.number for each in leaves(tree) if each.part.type == "text"}
    ids = [
        each.part_id for kind in (email.text_body, email.html_body, email.attachments) for each in kind or ()
    ]
    assert set(ids) == sorted_in


@pytest.mark.slow
def test_jmap_8_every_message_of_the_corpus_has_all_properties():
    for name, message in CORPUS.items():
        try:
            check_whole(message)
        except Exception as error:
            raise AssertionError(name) from error


PIECES = [
    b"Content-Type: multipart/alternative; boundary=b\r\n",
    b"Content-Type: text/html\r\n",
    b"\r\n",
    b"--b\r\n",
]
PIECES += [
    b"--b--\r\n",
    b"MIME-Version: 1.0\r\n",
    b"Content-Type: message/rfc822\r\n",
    b"Date: 1 Jan 2000 0:0 +9\r\n",
]
PIECES += [
    b"To: a:<b@c>,d;\r\n",
    b"Content-Type: multipart/mixed; boundary=c\r\n",
    b"--c\r\n",
    b"\xff\0",
    b"References: <x\r\n",
]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=14).map(b"".join))
def test_jmap_8_random_messages_have_all_properties(message: bytes):
    check_whole(message)
