"""docs/reference/admin-api.md, made from the catalogue."""

from __future__ import annotations

from typing import Any

from holdfast.functions.admin.catalogue import OPERATIONS
from holdfast.functions.admin.openapi import document
from holdfast.functions.admin.operation import Operation
from holdfast.functions.admin.permissions import ROLES, Permission
from holdfast.model.people import AdminRole

_HEAD = """# Administration interface

Generated from `src/holdfast/functions/admin/catalogue.py` by `make docs`.

How to use it: [administration](../operate/administration.md). For programs: [openapi.json](openapi.json).
Each line says which roles may, in the place that they are given for; who may not is told 403, and 404 of what
lies outside of it.
"""


def page() -> str:
    lines = [_HEAD, "## Roles", "", "| permission | " + " | ".join(AdminRole) + " |"]
    lines.append("|---|" + "---|" * len(AdminRole))
    for permission in Permission:
        marks = ["yes" if permission in ROLES[role] else "" for role in AdminRole]
        lines.append(f"| {permission} | " + " | ".join(marks) + " |")
    group = ""
    for operation in OPERATIONS:
        if operation.group != group:
            group = operation.group
            lines += ["", f"## {group}"]
        lines += _of_operation(operation)
    return "\n".join(lines) + "\n"


def _of_operation(operation: Operation) -> list[str]:
    roles = ", ".join(role for role in AdminRole if operation.permission in ROLES[role])
    lines = ["", f"### `{operation.method} {operation.path}`", "", operation.doc, "", f"Roles: {roles}."]
    note = " ".join((operation.asks.__doc__ or "").split()).replace("``", "`")
    if operation.asks.__dict__.get("__doc__") and note:
        lines += ["", note]
    fields = [*_parameters(operation), *_body(operation)]
    if fields:
        lines += ["", "| field | in | |", "|---|---|---|", *fields]
    return lines


def _parameters(operation: Operation) -> list[str]:
    said = document()["paths"][operation.path][operation.method.lower()]["parameters"]
    return [f"| `{each['name']}` | {each['in']} | {_shape(each['schema'])} |" for each in said]


def _body(operation: Operation) -> list[str]:
    said = document()["paths"][operation.path][operation.method.lower()].get("requestBody")
    if said is None:
        return []
    [(kind, content)] = said["content"].items()
    if "$ref" not in content["schema"]:
        return [f"| | body | {kind} |"]
    schema = document()["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    needed = schema.get("required", ())
    return [
        f"| `{name}`{'' if name in needed else ' (may be left out)'} | body | {_shape(shape)} |"
        for name, shape in schema["properties"].items()
    ]


def _shape(shape: dict[str, Any]) -> str:
    """In a few words."""
    if "$ref" in shape:
        return _shape(document()["components"]["schemas"][shape["$ref"].rpartition("/")[2]] | {"title": ""})
    if "anyOf" in shape:
        return " or ".join(dict.fromkeys(_shape(each) for each in shape["anyOf"]))
    if "enum" in shape:
        return ", ".join(f"`{each}`" if each else "''" for each in shape["enum"])
    words = {"array": "list", "object": "object"}.get(shape.get("type", ""), shape.get("type", "anything"))
    return f"{words}. {shape['description']}" if shape.get("description") else str(words)
