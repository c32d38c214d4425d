"""Patches of objects: properties to set and to remove, by pointer. RFC 8620 §5.3."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from holdfast.wire.jmap.errors import SetFault, SetRefused
from holdfast.wire.jmap.references import escaped, pointer_tokens

Patch = Mapping[str, object]


def apply_patch(
    value: Mapping[str, object], patch: Patch, defaults: Mapping[str, object] | None = None
) -> dict[str, object]:
    """A new object; ``value`` and what it holds stay as they are.

    ``null`` removes what is there; of a property in ``defaults`` it sets the default. Refused with
    invalidPatch, whole, when a pointer goes into an array or through what isn't there, or when one
    pointer goes into what another one sets (JMAP-4).
    """
    steps = _ordered(patch)
    changed = dict(value)
    own: set[int] = {id(changed)}  # objects made here, which may be changed in place
    made: list[object] = []  # … and are kept alive until the end, so that no id is used again
    for tokens, new in steps:
        at = changed
        for token in tokens[:-1]:
            inner = at.get(token)
            if not isinstance(inner, dict):
                raise _wrong("/".join(tokens), "goes through what is no object")
            if id(inner) not in own:
                inner = dict(inner)
                own.add(id(inner))
                made.append(inner)
                at[token] = inner
            at = inner
        last = tokens[-1]
        if new is not None:
            at[last] = new
        elif at is changed and defaults is not None and last in defaults:
            at[last] = defaults[last]
        else:
            at.pop(last, None)
    return changed


def _tokens(path: str) -> list[str]:
    tokens = pointer_tokens("/" + path)
    if tokens is None:
        raise _wrong(path, "is no pointer")
    return tokens


def _ordered(patch: Patch) -> list[tuple[list[str], object]]:
    steps = sorted(((_tokens(path), new) for path, new in patch.items()), key=lambda step: step[0])
    for (earlier, _), (later, _) in pairwise(steps):
        if later[: len(earlier)] == earlier:
            raise _wrong("/".join(later), "lies in what the same patch sets")
    return steps


def _wrong(path: str, why: str) -> SetRefused:
    return SetRefused(SetFault.INVALID_PATCH, f"“{path}” {why}.")


def patch_between(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, object]:
    """A patch that makes ``new`` of ``old``, as small as whole values allow.

    A null below the top can't be said by a pointer, so the value that holds it is set whole.
    """
    patch: dict[str, object] = {}
    _differences("", old, new, patch)
    return patch


def _differences(
    prefix: str, old: Mapping[str, object], new: Mapping[str, object], patch: dict[str, object]
) -> None:
    for name in old:
        if name not in new:
            patch[prefix + escaped(name)] = None
    for name, value in new.items():
        before = old.get(name)
        if name in old and _same(before, value):
            continue
        path = prefix + escaped(name)
        if isinstance(before, dict) and isinstance(value, dict) and None not in value.values():
            _differences(path + "/", before, value, patch)
        else:
            patch[path] = value


def _same(one: object, other: object) -> bool:
    """Equal as JSON: true isn't 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(each, other[name]) for name, each in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other and isinstance(one, bool) == isinstance(other, bool)
