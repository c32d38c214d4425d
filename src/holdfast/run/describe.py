"""What the configuration may say, from the code that reads it: for the terminal and the reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec

from holdfast.run.config import LIMIT_MEANINGS, SECTIONS, Config
from holdfast.run.sections import Secret


class Key(NamedTuple):
    section: str  # 'listen', or 'volumes.<name>' where the administrator gives the name
    name: str
    kind: str
    default: str  # as TOML has it; '' when it must be given
    meaning: str

    @property
    def variable(self) -> str:
        """The environment variable that overrides it."""
        return f"HOLDFAST_{self.section.upper().replace('.', '__')}__{self.name.upper()}"


def every_key() -> list[Key]:
    """Every key of the configuration, in the order of the file."""
    found: list[Key] = []
    for section in msgspec.structs.fields(Config):
        shape = section.type
        name = section.name
        if get_origin(shape) is dict:
            shape = get_args(shape)[1]
            name = f"{name}.<name>"
        found += _of_struct(name, shape)
    return found


def _of_struct(section: str, shape: type[msgspec.Struct]) -> Iterator[Key]:
    hints = get_type_hints(shape, include_extras=True)
    for item in msgspec.structs.fields(shape):
        meaning = " ".join(_descriptions(hints[item.name]))
        if section == "limits":
            meaning = LIMIT_MEANINGS[item.name]
        kind = _kind(item.type)
        if section == "listen":
            kind += " of host:port"
        yield Key(section, item.name, kind, _default(item), meaning)


def _descriptions(hint: Any) -> Iterator[str]:
    if get_origin(hint) is Annotated:
        for extra in get_args(hint)[1:]:
            if isinstance(extra, msgspec.Meta) and extra.description:
                yield extra.description


def _kind(shape: Any) -> str:
    if get_origin(shape) is Annotated:
        return _kind(get_args(shape)[0])
    if get_origin(shape) is Literal:
        return " or ".join(f'"{word}"' for word in get_args(shape))
    if get_origin(shape) is list:
        return "list"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", Secret: "file:/path"}
    return names[shape]


def _default(item: msgspec.structs.FieldInfo) -> str:
    value: Any
    if item.default is not msgspec.NODEFAULT:
        value = item.default
    elif item.default_factory is not msgspec.NODEFAULT:
        value = item.default_factory()
    else:
        return ""
    return toml_value(value)


def toml_value(value: Any) -> str:
    """A string, number, truth value or list of them as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


def markdown() -> str:
    """``docs/reference/configuration.md``."""
    lines = [
        "# Configuration",
        "",
        "Generated from `src/holdfast/run/config.py` by `make docs`.",
        "",
        "One TOML file: `--config`, else `$HOLDFAST_CONFIG`, else `/etc/holdfast/holdfast.toml`.",
        "Every key has a default that works.",
        "A relative path starts at the file's own folder.",
        "An unknown key is an error that names the nearest known one; `holdfast config test` says so.",
        "The environment overrides any key: `HOLDFAST_SECTION__KEY`, its value as TOML or as plain text.",
    ]
    section = ""
    for key in every_key():
        if key.section != section:
            section = key.section
            lines += ["", f"## [{section}]", "", SECTIONS[section.partition(".")[0]], ""]
            lines += ["| key | kind | default | meaning |", "|---|---|---|---|"]
        default = f"`{key.default}`" if key.default else "must be given"
        lines.append(f"| `{key.name}` | {key.kind} | {default} | {key.meaning} |")
    return "\n".join(lines) + "\n"


def template() -> str:
    """A whole configuration with every key commented out: what ``deploy/holdfast.toml`` is."""
    lines = ["# Holdfast's configuration. What is commented out has the value that it has anyway."]
    section = ""
    for key in every_key():
        if key.section != section:
            section = key.section
            title = f"[{section}]" if "<name>" not in section else f"# [{section}]"
            lines += ["", title]
        lines.append(f"# {key.meaning}")
        lines.append(f"# {key.name} = {key.default or '…'}")
    return "\n".join(lines) + "\n"
