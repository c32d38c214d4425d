"""What a JSContact card may hold. RFC 9553, with what RFC 9610 §3 adds for JMAP.

Known properties are checked, unknown ones are kept (RFC 9553 §1.7.3), and so are unknown values of
enumerations: vendors have their own. A card is refused as a whole with the names of all wrong properties.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from holdfast.wire.jmap.core import Json, is_id
from holdfast.wire.jmap.errors import SetFault, SetRefused
from holdfast.wire.jmap.references import escaped, pointer_tokens

Check = Callable[[object, str, list[str]], None]
"""``(value, its pointer, wrong)``: adds the pointers of what is wrong."""

_UTC = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d*[1-9])?Z"
)
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_GEO = re.compile(r"geo:\S+")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(\s*;.*)?")


def _when(holds: Callable[[object], bool]) -> Check:
    def check(value: object, path: str, wrong: list[str]) -> None:
        if not holds(value):
            wrong.append(path)

    return check


def _like(pattern: re.Pattern[str]) -> Check:
    return _when(lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None)


def _integer(low: int, high: int) -> Check:
    return _when(lambda value: type(value) is int and low <= value <= high)


TEXT: Final = _when(lambda value: isinstance(value, str))
SAID: Final = _when(lambda value: isinstance(value, str) and value != "")
YES_NO: Final = _when(lambda value: isinstance(value, bool))
UTC: Final = _like(_UTC)
LANGUAGE: Final = _like(_LANGUAGE)
URI: Final = _when(lambda value: isinstance(value, str) and _SCHEME.match(value) is not None)
PREF: Final = _integer(1, 100)
OBJECT_ID: Final = _when(lambda value: isinstance(value, str) and is_id(value) is not None)


def _set_of(key: Check) -> Check:
    """``String[Boolean]``: the keys count, each value is true."""

    def check(value: object, path: str, wrong: list[str]) -> None:
        if not isinstance(value, dict):
            wrong.append(path)
            return
        for each, held in value.items():
            if held is not True:
                wrong.append(f"{path}/{escaped(each)}")
            else:
                key(each, f"{path}/{escaped(each)}", wrong)

    return check


def _map(of: Check, key: Check = OBJECT_ID) -> Check:
    def check(value: object, path: str, wrong: list[str]) -> None:
        if not isinstance(value, dict):
            wrong.append(path)
            return
        for each, held in value.items():
            here = f"{path}/{escaped(each)}"
            key(each, here, wrong)
            of(held, here, wrong)

    return check


def _list(of: Check) -> Check:
    def check(value: object, path: str, wrong: list[str]) -> None:
        if not isinstance(value, list):
            wrong.append(path)
            return
        for index, each in enumerate(value):
            of(each, f"{path}/{index}", wrong)

    return check


def _type(
    name: str, known: Mapping[str, Check], must: tuple[str, ...] = (), one_of: tuple[str, ...] = ()
) -> Check:
    """An object type. ``must``: what it can't be without; ``one_of``: one of these at least."""

    def check(value: object, path: str, wrong: list[str]) -> None:
        if not isinstance(value, dict):
            wrong.append(path)
            return
        before = f"{path}/" if path else ""
        if value.get("@type", name) != name:
            wrong.append(f"{before}@type")
        wrong += [before + each for each in must if each not in value]
        if one_of and not any(each in value for each in one_of):
            wrong.append(before + one_of[0])
        for each, held in value.items():
            if (of := known.get(each)) is not None:
                of(held, before + escaped(each), wrong)

    return check


CONTEXTS: Final = _set_of(SAID)
_PREFERRED: Final[dict[str, Check]] = {"contexts": CONTEXTS, "pref": PREF}
_LABELLED: Final[dict[str, Check]] = {**_PREFERRED, "label": TEXT}
_RESOURCE: Final[dict[str, Check]] = {**_LABELLED, "kind": TEXT, "uri": URI, "mediaType": _like(_MEDIA_TYPE)}
_SORT_AS: Final = _map(TEXT, SAID)
_PHONETIC: Final[dict[str, Check]] = {"phoneticScript": TEXT, "phoneticSystem": TEXT}

_component: Final = {"value": TEXT, "kind": SAID, "phonetic": TEXT}
NAME: Final = _type(
    "Name",
    {
        "components": _list(_type("NameComponent", _component, ("value", "kind"))),
        "isOrdered": YES_NO,
        "defaultSeparator": TEXT,
        "full": TEXT,
        "sortAs": _SORT_AS,
        **_PHONETIC,
    },
    one_of=("components", "full"),
)
ADDRESS: Final = _type(
    "Address",
    {
        "components": _list(_type("AddressComponent", _component, ("value", "kind"))),
        "isOrdered": YES_NO,
        "countryCode": _like(_COUNTRY),
        "coordinates": _like(_GEO),
        "timeZone": SAID,
        "full": TEXT,
        "defaultSeparator": TEXT,
        **_LABELLED,
        **_PHONETIC,
    },
)
_PARTIAL_DATE: Final = _type(
    "PartialDate",
    {"year": _integer(0, 9999), "month": _integer(1, 12), "day": _integer(1, 31), "calendarScale": TEXT},
)
_TIMESTAMP: Final = _type("Timestamp", {"utc": UTC}, ("utc",))


def _date(value: object, path: str, wrong: list[str]) -> None:
    """PartialDate | Timestamp: told apart by ``@type``. RFC 9553 §2.8.1"""
    if isinstance(value, dict) and value.get("@type") == "Timestamp":
        _TIMESTAMP(value, path, wrong)
        return
    before = len(wrong)
    _PARTIAL_DATE(value, path, wrong)
    if len(wrong) == before and isinstance(value, dict):
        year, month, day = (value.get(name) is not None for name in ("year", "month", "day"))
        if not (year or month) or (day and not month):
            wrong.append(path)


def _patches(value: object, path: str, wrong: list[str]) -> None:
    """Language → a patch of this card; none patches the localizations themselves. RFC 9553 §2.7.1"""
    if not isinstance(value, dict):
        wrong.append(path)
        return
    for language, patch in value.items():
        here = f"{path}/{escaped(language)}"
        LANGUAGE(language, here, wrong)
        if not isinstance(patch, dict):
            wrong.append(here)
            continue
        for pointer in patch:
            tokens = pointer_tokens("/" + pointer)
            if not tokens or tokens[0] == "localizations":
                wrong.append(f"{here}/{escaped(pointer)}")


_AUTHOR: Final = _type("Author", {"name": TEXT, "uri": URI}, one_of=("name", "uri"))
MEDIA: Final = _type(
    "Media", {**_RESOURCE, "kind": SAID, "blobId": OBJECT_ID}, ("kind",), one_of=("uri", "blobId")
)

CARD: Final = _type(
    "Card",
    {
        "version": _when(lambda value: value == "1.0"),
        "created": UTC,
        "kind": SAID,
        "language": LANGUAGE,
        "members": _set_of(SAID),
        "prodId": TEXT,
        "relatedTo": _map(_type("Relation", {"relation": _set_of(SAID)}), SAID),
        "uid": SAID,
        "updated": UTC,
        "name": NAME,
        "nicknames": _map(_type("Nickname", {"name": TEXT, **_PREFERRED}, ("name",))),
        "organizations": _map(
            _type(
                "Organization",
                {
                    "name": TEXT,
                    "units": _list(_type("OrgUnit", {"name": TEXT, "sortAs": TEXT}, ("name",))),
                    "sortAs": TEXT,
                    "contexts": CONTEXTS,
                },
                one_of=("name", "units"),
            )
        ),
        "speakToAs": _type(
            "SpeakToAs",
            {
                "grammaticalGender": SAID,
                "pronouns": _map(_type("Pronouns", {"pronouns": TEXT, **_PREFERRED}, ("pronouns",))),
            },
            one_of=("grammaticalGender", "pronouns"),
        ),
        "titles": _map(_type("Title", {"name": TEXT, "kind": SAID, "organizationId": OBJECT_ID}, ("name",))),
        "emails": _map(_type("EmailAddress", {"address": SAID, **_LABELLED}, ("address",))),
        "onlineServices": _map(
            _type(
                "OnlineService",
                {"service": TEXT, "uri": URI, "user": TEXT, **_LABELLED},
                one_of=("uri", "user"),
            )
        ),
        "phones": _map(_type("Phone", {"number": SAID, "features": _set_of(SAID), **_LABELLED}, ("number",))),
        "preferredLanguages": _map(
            _type("LanguagePref", {"language": LANGUAGE, **_PREFERRED}, ("language",))
        ),
        "calendars": _map(_type("Calendar", _RESOURCE, ("uri",))),
        "schedulingAddresses": _map(_type("SchedulingAddress", {"uri": URI, **_LABELLED}, ("uri",))),
        "addresses": _map(ADDRESS),
        "cryptoKeys": _map(_type("CryptoKey", _RESOURCE, ("uri",))),
        "directories": _map(_type("Directory", {**_RESOURCE, "listAs": _integer(1, 2**53 - 1)}, ("uri",))),
        "links": _map(_type("Link", _RESOURCE, ("uri",))),
        "media": _map(MEDIA),
        "localizations": _patches,
        "anniversaries": _map(
            _type("Anniversary", {"kind": SAID, "date": _date, "place": ADDRESS}, ("kind", "date"))
        ),
        "keywords": _set_of(SAID),
        "notes": _map(_type("Note", {"note": TEXT, "created": UTC, "author": _AUTHOR}, ("note",))),
        "personalInfo": _map(
            _type(
                "PersonalInfo",
                {"kind": SAID, "value": TEXT, "level": SAID, "listAs": _integer(1, 2**53 - 1), "label": TEXT},
                ("kind", "value"),
            )
        ),
    },
    ("version", "uid"),
)


def check_card(card: Json) -> None:
    """SetRefused invalidProperties with the pointer of everything that is wrong."""
    wrong: list[str] = []
    CARD(card, "", wrong)
    if "members" in card and card.get("kind") != "group":
        wrong.append("members")
    if wrong:
        text = f"No such value is possible in a card: {', '.join(wrong[:5])}."
        raise SetRefused(SetFault.INVALID_PROPERTIES, text, properties=wrong)


# What is found and sorted by


def values(card: Json, name: str, *keys: str) -> list[str]:
    """Of a map of objects (``emails``) the texts under these keys, in order of ``pref``."""
    held = card.get(name)
    if not isinstance(held, dict):
        return []
    objects = sorted((each for each in held.values() if isinstance(each, dict)), key=_preference)
    return [text for each in objects for key in keys if isinstance(text := each.get(key), str)]


def _preference(each: Json) -> int:
    pref = each.get("pref")
    return pref if type(pref) is int else 101


def name_parts(card: Json, kind: str = "") -> list[str]:
    """The name's components of a kind; of all kinds, and the full name, for none."""
    name = card.get("name")
    if not isinstance(name, dict):
        return []
    found: list[str] = []
    components = name.get("components")
    for each in components if isinstance(components, list) else ():
        if not isinstance(each, dict) or not isinstance(text := each.get("value"), str):
            continue
        if each.get("kind") == kind or (not kind and each.get("kind") != "separator"):
            found.append(text)
    if not kind and isinstance(full := name.get("full"), str):
        found.append(full)
    return found


def sort_text(card: Json, kind: str) -> str:
    """By what a card is sorted for ``name/given`` and the like: ``sortAs``, else the components."""
    name = card.get("name")
    sort_as = name.get("sortAs") if isinstance(name, dict) else None
    if isinstance(sort_as, dict) and isinstance(text := sort_as.get(kind), str):
        return text
    return " ".join(name_parts(card, kind))


def organization_texts(card: Json) -> list[str]:
    return values(card, "organizations", "name") + _inner_values(card, "organizations", "units", "name")


def address_texts(card: Json) -> list[str]:
    return values(card, "addresses", "full") + _inner_values(card, "addresses", "components", "value")


def _inner_values(card: Json, name: str, inner: str, key: str) -> list[str]:
    """The same of the objects in lists of the objects."""
    held = card.get(name)
    found: list[str] = []
    for each in held.values() if isinstance(held, dict) else ():
        parts = each.get(inner) if isinstance(each, dict) else None
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict) and isinstance(text := part.get(key), str):
                found.append(text)
    return found


def all_texts(card: Json) -> list[str]:
    """What ``text`` of a query looks through."""
    keywords = card.get("keywords")
    return [
        *name_parts(card),
        *values(card, "nicknames", "name"),
        *organization_texts(card),
        *values(card, "titles", "name"),
        *values(card, "emails", "address", "label"),
        *values(card, "phones", "number", "label"),
        *values(card, "onlineServices", "service", "uri", "user", "label"),
        *address_texts(card),
        *values(card, "notes", "note"),
        *(keywords if isinstance(keywords, dict) else ()),
    ]
