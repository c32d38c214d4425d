"""The forms of JMAP as header fields: what ``headers`` reads, written. RFC 5322, RFC 2047, RFC 2231

Lines have at most 76 octets where the words allow it. Text that can't stand as it is becomes encoded words
of UTF-8; addresses with other letters than ASCII stand raw (RFC 6532), for they can't be encoded.
"""

from __future__ import annotations

import binascii
import datetime
import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from holdfast.model.limits import MIME_ADDRESSES
from holdfast.wire.jmap.core import Date
from holdfast.wire.jmap.errors import SetFault, SetRefused
from holdfast.wire.jmap.headers import HeaderProperty
from holdfast.wire.jmap.mail import EmailAddress, EmailAddressGroup

_LINE = 76
_WORD = 75  # RFC 2047 §2
_LONGEST = 900  # of what can't be folded: a line has at most 998 octets
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?: [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*").fullmatch
_QUOTABLE = re.compile(r'(["\\])')
_Q_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_ATTRIBUTE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`{|}~")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TYPES: Final[dict[str, Any]] = {
    "asRaw": str,
    "asText": str,
    "asAddresses": list[EmailAddress],
    "asGroupedAddresses": list[EmailAddressGroup],
    "asMessageIds": list[str],
    "asDate": Date,
    "asURLs": list[str],
}


def fields_of(shown: str, name: str, form: HeaderProperty, value: object) -> list[bytes]:
    """The fields a property stands for, with their line ends; none for null and for empty lists.

    ``shown``: the property, for the error. ``name``: the field's, in its own letters. SetRefused
    invalidProperties where the value isn't of the form, or can't be written.
    """
    of_one = _TYPES[form.form]
    try:
        values = msgspec.convert(value, list[of_one] | None if form.every else of_one | None)  # type: ignore[valid-type]
    except msgspec.ValidationError as error:
        raise wrong(shown, str(error)) from None
    if values is None:
        return []
    written = [_field(shown, name, form.form, each) for each in (values if form.every else [values])]
    return [each for each in written if each]


def wrong(shown: str, why: str) -> SetRefused:
    return SetRefused(SetFault.INVALID_PROPERTIES, f"“{shown[:200]}”: {why}", properties=[shown])


def _field(shown: str, name: str, form: str, value: Any) -> bytes:
    if form == "asRaw":
        return _raw(shown, name, value)
    if form == "asText":
        return folded(name, text_words(value, _LINE - len(name) - 2))
    if form == "asDate":
        return folded(name, [date_text(value).encode()])
    if not value:
        return b""
    if form == "asMessageIds":
        return folded(name, [_bracketed(shown, each) for each in value])
    if form == "asURLs":
        urls = [_bracketed(shown, each) for each in value]
        return folded(name, [*(url + b"," for url in urls[:-1]), urls[-1]])
    if form == "asAddresses":
        value = [EmailAddressGroup(name=None, addresses=value)]
    if sum(len(group.addresses) for group in value) > MIME_ADDRESSES:
        raise wrong(shown, f"more than {MIME_ADDRESSES} addresses")
    words = _grouped(value)
    return folded(name, words) if words else b""


def folded(name: str, words: Sequence[bytes]) -> bytes:
    """A field of words with a blank or a fold before each."""
    lines = []
    line = name.encode() + b":"
    for place, word in enumerate(words):
        if place and len(line) + 1 + len(word) > _LINE:
            lines.append(line)
            line = b""
        line += b" " + word
    lines.append(line)
    return b"\r\n".join(lines) + b"\r\n"


def _raw(shown: str, name: str, value: str) -> bytes:
    """As the client folded it; a line end that isn't a fold would begin another field."""
    lines = value.replace("\r\n", "\n").split("\n")
    if (
        "\r" in value.replace("\r\n", "")
        or "\0" in value
        or any(not each[:1].isspace() for each in lines[1:])
    ):
        raise wrong(shown, "a line end within a field is followed by a blank")
    written = f"{name}:" + "\r\n".join(lines)
    if any(len(line.encode()) > 998 for line in written.split("\r\n")):
        raise wrong(shown, "a line has at most 998 octets")
    if any(not line.strip() for line in lines[1:]):
        raise wrong(shown, "a line of blanks only would end the header for some readers")
    return written.encode() + b"\r\n"


# Text


def text_words(text: str, room: int = _WORD) -> list[bytes]:
    """Unstructured text. From the first word to the last that can't stand as it is, they are encoded;
    ``room``: for the first encoded word."""
    text = _CONTROLS.sub(" ", text)
    if " ".join(text.split()) != text:  # blanks that a reader would drop
        return encoded_words(text, room)
    words = text.split(" ")
    odd = [place for place, word in enumerate(words) if not _stands(word)]
    if not odd:
        return [word.encode() for word in words]
    first, behind = odd[0], odd[-1] + 1
    encoded = encoded_words(" ".join(words[first:behind]), _WORD if first else room)
    return [*(w.encode() for w in words[:first]), *encoded, *(w.encode() for w in words[behind:])]


def _stands(word: str) -> bool:
    return word.isascii() and "=?" not in word and len(word) < _LONGEST


def encoded_words(text: str, room: int = _WORD) -> list[bytes]:
    """RFC 2047 §2, §5: in UTF-8, no character cut, good for any place. [] for ''."""
    data = text.encode("utf-8", "replace")
    plain = sum(byte in _Q_PLAIN or byte == 0x20 for byte in data)
    as_q = plain + 3 * (len(data) - plain) <= (len(data) + 2) // 3 * 4
    words: list[bytes] = []
    chunk = b""
    used = 0
    room = max(room, 40)
    for character in text:
        encoded = character.encode("utf-8", "replace")
        cost = sum(1 if byte in _Q_PLAIN or byte == 0x20 else 3 for byte in encoded)
        size = used + cost if as_q else (len(chunk) + len(encoded) + 2) // 3 * 4
        if chunk and size + 12 > room:
            words.append(_encoded_word(chunk, as_q))
            chunk, used, room = b"", 0, _WORD
        chunk += encoded
        used += cost
    if chunk:
        words.append(_encoded_word(chunk, as_q))
    return words


def _encoded_word(data: bytes, as_q: bool) -> bytes:
    if not as_q:
        return b"=?utf-8?b?%b?=" % binascii.b2a_base64(data, newline=False)
    text = b"".join(
        bytes((byte,)) if byte in _Q_PLAIN else b"_" if byte == 0x20 else b"=%02X" % byte for byte in data
    )
    return b"=?utf-8?q?%b?=" % text


# Addresses, ids, dates


def _grouped(groups: Sequence[EmailAddressGroup]) -> list[bytes]:
    words: list[bytes] = []
    for group in groups:
        members = [written for each in group.addresses if (written := _address(each))]
        for written in members[:-1]:
            written[-1] += b","
        listed = [word for written in members for word in written]
        if group.name is not None:
            listed = [*_phrase(group.name), *listed]
            listed[len(listed) - sum(map(len, members)) - 1] += b":"
            listed[-1] += b";"
        if words and listed:
            words[-1] += b","
        words += listed
    return words


def _address(each: EmailAddress) -> list[bytes]:
    """Words alone, without ``@``, are a recipient that somebody hasn't written out yet."""
    email = " ".join(_CONTROLS.sub(" ", each.email).split())
    name = " ".join(_CONTROLS.sub(" ", each.name or "").split())
    if not email:
        return _phrase(name) if name else []
    return [*_phrase(name), f"<{email}>".encode()] if name else [email.encode("utf-8", "replace")]


def _phrase(name: str) -> list[bytes]:
    name = _CONTROLS.sub(" ", name)
    if name.isascii() and "=?" not in name and " ".join(name.split()) == name and len(name) < _LONGEST // 2:
        if _ATOMS(name):
            return name.encode().split(b" ")
        return [b'"' + _QUOTABLE.sub(r"\\\1", name).encode() + b'"']
    return encoded_words(name)


_BRACKETABLE = re.compile(r"[^\x00-\x20\x7f<>]+").fullmatch


def _bracketed(shown: str, each: str) -> bytes:
    written = each.encode("utf-8", "replace")
    if not _BRACKETABLE(each) or len(written) > _LONGEST:
        raise wrong(shown, "an id or address between angle brackets has no blanks and no brackets")
    return b"<" + written + b">"


def date_text(when: datetime.datetime) -> str:
    """RFC 5322 §3.3"""
    offset = when.utcoffset() or datetime.timedelta()
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    zone = f"{sign}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
    day = f"{_DAYS[when.weekday()]}, {when.day:02} {_MONTHS[when.month - 1]} {when.year:04}"
    return f"{day} {when:%H:%M:%S} {zone}"


# Parameters


def parameter(name: str, value: str) -> list[bytes]:
    """``name="value"``; in pieces and with percents where that can't say it. RFC 2231 §3, §4"""
    value = _CONTROLS.sub(" ", value)
    if value.isascii() and "=?" not in value:
        quoted = _QUOTABLE.sub(r"\\\1", value)
        if len(quoted) + len(name) + 4 <= _LINE:
            return [f'{name}="{quoted}"'.encode()]
    pieces = [""]
    for byte in value.encode("utf-8", "replace"):
        letter = chr(byte) if byte in _ATTRIBUTE else f"%{byte:02X}"
        if len(pieces[-1]) + len(letter) > _LINE - len(name) - 16:
            pieces.append("")
        pieces[-1] += letter
    if len(pieces) == 1:
        return [f"{name}*=utf-8''{pieces[0]}".encode()]
    first = f"{name}*0*=utf-8''{pieces[0]}"
    return [first.encode(), *(f"{name}*{n}*={piece}".encode() for n, piece in enumerate(pieces[1:], 1))]
