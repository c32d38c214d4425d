"""MIME-1 to MIME-3: any bytes have a structure, its offsets nest, and it takes linear time."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.make import messages
from corpus.sexpr import read_only
from holdfast.mime import bodystructure, inspect, parse, preview, section, summary
from holdfast.mime import defects as d
from holdfast.mime.structure import LEAF, MESSAGE, MULTIPART, Part
from holdfast.model.limits import (
    HEADER_BYTES,
    MIB,
    MIME_ADDRESSES,
    MIME_DEPTH,
    MIME_PARTS,
    PREVIEW_CHARACTERS,
)

PIECES = [
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b"\0",
        b"--",
        b"--b",
        b"--b--",
        b"--c",
        b"--c--",
        b"\r\n--b\r\n",
        b"\r\n--bc\r\n",
    ),
    *(
        b"\r\n--c--\r\n",
        b"x",
        b"\xff",
        b"\xc3\xb6",
        b'"',
        b"\\",
        b"(",
        b")",
        b"<",
        b">",
        b"@",
        b",",
        b";",
        b":",
        b"=",
        b"*",
    ),
    *(
        b"From: ",
        b"To: ",
        b"Subject: ",
        b"Date: ",
        b"Message-ID: ",
        b"MIME-Version: 1.0\r\n",
        b"a@b",
        b"a <b@c>",
    ),
    *(
        b"Content-Type: ",
        b"multipart/mixed; boundary=b",
        b"multipart/digest; boundary=c",
        b'multipart/mixed; boundary="bc"',
    ),
    *(
        b"message/rfc822",
        b"text/plain; charset=utf-8",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Disposition: ",
    ),
    *(
        b"attachment; filename*0*=utf-8''a%20; filename*1=b",
        b"Content-Language: de, en",
        b"=?utf-8?q?=C3?=",
        b"=?x?b?a?=",
    ),
    *(
        b'multipart/mixed; boundary=""',
        b"text/html",
        b"Content-Transfer-Encoding: quoted-printable\r\n",
        b"\r\n\r\n",
    ),
]
ANY = st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join))
MADE = dict(messages())


def assert_nested(root: Part) -> None:
    """MIME-2."""
    assert root.start == 0
    assert root.end == len(root.message)
    for part in root.walk():
        assert part.start <= part.body_start <= part.end
        assert (part.kind == LEAF) == (not part.children) or part.kind == MULTIPART
        assert part.kind != MESSAGE or len(part.children) == 1
        at = part.body_start
        for child in part.children:
            assert at <= child.start
            at = child.end
        assert at <= part.end
        assert part.lines == root.message.count(b"\n", part.body_start, part.end)


def assert_whole(message: bytes) -> None:
    """Everything that can be asked of a message has a well formed answer: MIME-1, MIME-4."""
    root = parse(message)
    assert_nested(root)
    made = summary(message)
    assert len(read_only(made.envelope)) == 10
    assert isinstance(read_only(made.bodystructure), list)
    assert isinstance(read_only(bodystructure(root, extended=False)), list)
    assert made.size == len(message)
    assert len(made.preview) <= PREVIEW_CHARACTERS
    assert "\n" not in made.preview
    assert "\n" not in made.subject
    assert all(defect.code in d.DEFECTS and 0 <= defect.offset <= len(message) for defect in inspect(root))


@given(ANY)
def test_any_bytes_have_a_summary_that_is_valid_imap(message: bytes):
    assert_whole(message)


@given(ANY)
def test_header_and_text_join_to_the_message(message: bytes):
    root = parse(message)
    assert b"".join([*section(root, "HEADER"), *section(root, "TEXT")]) == message


@given(ANY)
def test_each_part_is_its_header_and_its_body(message: bytes):
    root = parse(message)
    stack = [((), root)]
    while stack:
        numbers, part = stack.pop()
        if part.kind == MULTIPART:
            inside = part.children
        else:
            inside = (
                part.children[0].children
                if part.kind == MESSAGE and part.children[0].kind == MULTIPART
                else []
            )
        for number, child in enumerate(inside, 1):
            path = (*numbers, number) if part.kind == MULTIPART or numbers else (1, number)
            name = ".".join(map(str, path))
            pieces = [*section(root, f"{name}.MIME"), *section(root, name)]
            assert b"".join(pieces) == message[child.start : child.end]
            stack.append((path, child))


@given(st.integers(0, len(MADE) - 1), st.data())
def test_a_corpus_message_cut_anywhere_is_still_answered(which: int, data: st.DataObject):
    message = list(MADE.values())[which]
    assert_whole(message[: data.draw(st.integers(0, len(message)))])


def test_sizes_are_of_the_octets_kept():
    """MIME-5."""
    message = b"Content-Type: text/plain\n\na\nb\r\nc\rd"
    part = parse(message)
    assert (part.size, part.lines) == (8, 2)


def test_corpus_offsets_nest():
    for message in MADE.values():
        assert_nested(parse(message))


def nested(levels: int) -> bytes:
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%03d\r\n\r\n--b%03d\r\n" % (n, n) for n in range(levels)
    )


def test_parts_nested_deeper_than_the_limit_are_one_opaque_leaf():
    root = parse(nested(100) + b"\r\nx\r\n")
    deepest = list(root.walk())[-1]
    assert len(list(root.walk())) == MIME_DEPTH + 1
    assert (deepest.type, deepest.subtype, deepest.end) == ("application", "octet-stream", len(root.message))
    assert d.TOO_DEEP in [defect.code for defect in root.defects]


def test_more_parts_than_the_limit_are_one_opaque_leaf_at_the_end():
    message = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100_000 + b"--b--\r\n"
    )
    root = parse(message)
    assert len(root.children) == MIME_PARTS
    assert root.children[-1].end == len(message)
    assert root.children[-1].type == "application"
    assert d.TOO_MANY_PARTS in [defect.code for defect in root.defects]
    assert_nested(root)


def test_more_header_than_the_limit_is_body():
    message = b"Subject: x\r\n" + b"X: y\r\n" * HEADER_BYTES
    root = parse(message)
    assert HEADER_BYTES - 10 < root.body_start <= HEADER_BYTES
    assert [defect.code for defect in root.defects] == [d.HEADER_TOO_LARGE]
    assert root.known[b"subject"] == [b"x"]


@pytest.mark.slow
def test_an_address_field_shows_no_more_addresses_than_the_limit():
    for address in (b"a@b,", b'"a" b,'):
        found = read_only(summary(b"To: " + address * (MIME_ADDRESSES + 5000) + b"\r\n\r\n").envelope)
        assert len(found[5]) <= MIME_ADDRESSES


@pytest.mark.slow
@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"\r\n" + b"x\n" * (25 * MIB), id="lines"),
        pytest.param(b"Content-Type: message/rfc822\r\n\r\n" * 1_600_000, id="embedded"),
        pytest.param(nested(45) + b"\r\n" + b"\n--b" * (12 * MIB), id="near-boundaries"),
        pytest.param(b"Subject: " + b"x\r\n " * (12 * MIB), id="folds"),
        pytest.param(b"To: " + b"(a) " * (12 * MIB), id="comments"),
        pytest.param(
            b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\nx: y\n" * 5_000_000, id="bare-lf-parts"
        ),
        pytest.param(b"Content-Type: text/html\r\n\r\n" + b"<style></style" * (3 * MIB), id="html"),
    ],
)
def test_50_mb_of_one_thing_take_seconds_at_most(message: bytes):
    """MIME-3. The bound is wide: a quadratic walk would take hours."""
    begin = time.perf_counter()
    made = summary(message)
    assert time.perf_counter() - begin < 20
    assert len(made.bodystructure) < 4 * MIB


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"Subject: x", d.HEADER_UNENDED),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX: y\r\n--b--\r\n", d.HEADER_CUT),
        (b"Content-Type: multipart/mixed\r\n\r\n", d.BOUNDARY_MISSING),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n", d.BOUNDARY_UNUSED),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n", d.BOUNDARY_UNCLOSED),
        (b"Content-Type: plain text\r\n\r\n", d.TYPE_MALFORMED),
    ],
)
def test_what_is_wrong_with_the_structure_is_listed(message: bytes, code: str):
    assert code in [defect.code for defect in parse(message).defects]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"A: b\n\r\nx", (d.BARE_LF, 4)),
        (b"A: b\r\n\r\nx\ry", (d.BARE_CR, 9)),
        (b"A: b\r\n\r\nx\0y", (d.NUL, 9)),
        (b"A: \xff\r\n\r\nx", (d.HEADER_8BIT, 3)),
        (b"A: b\r\nno colon\r\n\r\nx", (d.HEADER_NO_COLON, 6)),
    ],
)
def test_a_full_look_finds_bad_bytes_and_lines(message: bytes, expected: tuple[str, int]):
    assert inspect(parse(message)) == [d.Defect(*expected)]


def test_a_sound_message_has_no_defects():
    assert inspect(parse(MADE["mixed-alternative-related"])) == []
    assert inspect(parse(MADE["eightbit-utf8-header"])) == []


def test_the_line_end_before_a_boundary_is_the_boundary_s():
    message = MADE["mixed"]
    first = parse(message).children[0]
    assert message[first.end :].startswith(b"\r\n--b1\r\n")


def test_field_offsets_point_at_the_field():
    message = b"From: a@b\r\nSubject : x\r\n  y\r\nno colon\r\nTo:\r\n\r\nbody"
    fields = list(parse(message).fields())
    assert [field.name for field in fields] == [b"from", b"subject", b"", b"to"]
    assert b"".join(message[field.start : field.end] for field in fields) == message[: -len(b"\r\nbody")]
    assert message[fields[1].value_start :].startswith(b" x\r\n  y")
    assert fields[1].value == b"x\n  y"


def test_a_preview_is_what_the_message_says_not_what_it_quotes():
    assert preview(parse(b"\r\n> quoted\r\n> more\r\n\r\nYes,  that\r\nis it.\r\n")) == "Yes, that is it."
    assert preview(parse(b"\r\n> only quoted\r\n")) == "> only quoted"
    html = b"Content-Type: text/html\r\n\r\n<style>p{}</style><p>1 &lt; 2 <b>yes</b></p>"
    assert preview(parse(html)) == "1 < 2 yes"
    assert preview(parse(b"")) == ""
    assert preview(parse(b"\r\na\0b\x1b[1mc")) == "ab[1mc"
    padded = "Content-Type: text/plain; charset=utf-8\r\n\r\n" + "\u200b\u00ad " * 50 + "Now"
    assert preview(parse(padded.encode())) == "Now"
    blank = b"Content-Type: text/html\r\n\r\n" + b"<p>\r\n" + b" " * 3000 + b"late"
    assert preview(parse(blank)) == "late"
    assert len(preview(parse(b"\r\n" + b"word " * 1000))) <= PREVIEW_CHARACTERS
