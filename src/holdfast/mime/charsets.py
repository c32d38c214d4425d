"""Bytes of a named charset as text; never fails. RFC 2978, and what senders mean by it."""

from __future__ import annotations

import codecs
from encodings.aliases import aliases
from functools import lru_cache

from holdfast.mime import defects as d
from holdfast.mime.defects import Defect

# Names in use that Python knows under another one, and supersets that senders mean.
_ALIASES = {
    "": "utf-8",
    "ansi_x3.4-1968": "latin-1",
    "ascii": "latin-1",
    "cp-850": "cp850",
    "default": "utf-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso-8859-1": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "latin1": "cp1252",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "unicode-1-1-utf-7": "utf-7",
    "unknown-8bit": "utf-8",
    "us-ascii": "utf-8",
    "utf8mb4": "utf-8",
    "x-gbk": "gb18030",
    "x-sjis": "cp932",
    "x-unknown": "utf-8",
}


# Codecs without an alias of their own. Those that aren't charsets of mail are left out below.
_UNNAMED = (
    "cp720",
    "cp737",
    "cp856",
    "cp874",
    "cp875",
    "cp1006",
    "koi8_t",
    "koi8_u",
    "mac_croatian",
    "mac_farsi",
)
_NO_CHARSETS = frozenset(
    {
        "base64_codec",
        "bz2_codec",
        "hex_codec",
        "mbcs",
        "oem",
        "quopri_codec",
        "rot_13",
        "uu_codec",
        "zlib_codec",
    }
)
_CODECS = {
    name: codec
    for name, codec in [*aliases.items(), *((codec, codec) for codec in [*aliases.values(), *_UNNAMED])]
    if codec not in _NO_CHARSETS
}


@lru_cache(512)
def codec_of(charset: str) -> str | None:
    """Python's codec for a charset's name (case doesn't matter), None when there is none.

    Python itself is asked for names it has only: it would search its folders for the others,
    and keep what it didn't find.
    """
    name = charset.strip().strip("'\"").lower()
    name = _ALIASES.get(name, name).replace("-", "_").replace(" ", "_")
    codec = (
        _CODECS.get(name)
        or _CODECS.get(name.removeprefix("x_"))
        or _CODECS.get(name.replace("windows_", "cp"))
    )
    if codec is None:
        return None
    try:
        return codecs.lookup(codec).name
    except LookupError:
        return None


def charset_text(raw: bytes, charset: str, defects: list[Defect] | None = None, offset: int = 0) -> str:
    """Bytes of a charset as text; never fails. An unknown charset: UTF-8 if they are, else Windows-1252."""
    codec = codec_of(charset[:64])
    if codec is None:
        if defects is not None:
            defects.append(Defect(d.CHARSET_UNKNOWN, offset))
        return guessed_text(raw)
    try:
        return raw.decode(codec)
    except (UnicodeError, ValueError, OverflowError):
        pass
    text = guessed_text(raw) if codec == "utf-8" else _replaced(raw, codec)
    if defects is not None:
        defects.append(Defect(d.CHARSET_DAMAGED, offset))
    return text


def _replaced(raw: bytes, codec: str) -> str:
    try:
        return raw.decode(codec, "replace")
    except (UnicodeError, ValueError, OverflowError):
        return raw.decode("latin-1")


def guessed_text(raw: bytes) -> str:
    """UTF-8 (RFC 6532) when the bytes are, but for a cut end; else Windows-1252, which never fails here."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and not raw[: error.start].isascii():
            return raw[: error.start].decode("utf-8") + "\ufffd"
    return raw.decode("cp1252", "replace")
