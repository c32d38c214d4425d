"""JSON pointers, and references to the results of earlier calls. RFC 6901, RFC 8620 §3.7."""

from __future__ import annotations

import re

import msgspec

from holdfast.wire.jmap.errors import MethodError, MethodFault

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}").fullmatch
_BAD_ESCAPE = re.compile(r"~(?![01])").search


class ResultReference(msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True):
    """The value of an argument ``#name``: what ``path`` finds in the result of an earlier call."""

    result_of: str
    name: str
    path: str


def pointer_tokens(path: str) -> list[str] | None:
    """The tokens of a pointer, None when it isn't one. '' points to the whole."""
    if not path:
        return []
    if path[0] != "/" or _BAD_ESCAPE(path):
        return None
    tokens = path[1:].split("/")
    return [token.replace("~1", "/").replace("~0", "~") for token in tokens] if "~" in path else tokens


def escaped(token: str) -> str:
    """A token as it stands in a pointer."""
    return token.replace("~", "~0").replace("/", "~1")


def evaluate(value: object, path: str) -> object:
    """What the pointer finds. ``*`` at an array goes through its items, and lists it finds are joined.

    LookupError when it finds nothing. The work is linear in the value.
    """
    tokens = pointer_tokens(path)
    if tokens is None:
        raise LookupError(path)
    return _found(value, tokens, 0)


def _found(value: object, tokens: list[str], at: int) -> object:
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if isinstance(value, dict):
            value = value[token]
        elif not isinstance(value, list):
            raise LookupError(token)
        elif token == "*":
            joined: list[object] = []
            for item in value:
                found = _found(item, tokens, at)
                if isinstance(found, list):
                    joined += found
                else:
                    joined.append(found)
            return joined
        elif _INDEX(token):
            value = value[int(token)]
        else:
            raise LookupError(token)
    return value


def resolved(arguments: dict[str, object], results: dict[str, tuple[str, bytes]]) -> dict[str, object]:
    """The arguments with every ``#name`` replaced (JMAP-3).

    ``results``: by call id the name and the encoded arguments of its first response.
    """
    whole: dict[str, object] = {}
    for name, value in arguments.items():
        if name[:1] != "#":
            whole[name] = value
            continue
        if name[1:] in arguments:
            raise MethodError(
                MethodFault.INVALID_ARGUMENTS, f"“{name[1:]}” is given twice: as itself and by reference."
            )
        whole[name[1:]] = _result(name, value, results)
    return whole


def _result(name: str, value: object, results: dict[str, tuple[str, bytes]]) -> object:
    try:
        reference = msgspec.convert(value, ResultReference)
    except msgspec.ValidationError as error:
        raise MethodError(
            MethodFault.INVALID_ARGUMENTS, f"“{name}” is no result reference: {error}"
        ) from None
    response, encoded = results.get(reference.result_of, ("", b""))
    if response != reference.name:
        text = f"“{name}”: no response “{reference.name}” of a call “{reference.result_of}” came before."
        raise MethodError(MethodFault.INVALID_RESULT_REFERENCE, text)
    try:
        return evaluate(msgspec.json.decode(encoded), reference.path)
    except LookupError:
        text = f"“{name}”: “{reference.path}” finds nothing in that response."
        raise MethodError(MethodFault.INVALID_RESULT_REFERENCE, text) from None
