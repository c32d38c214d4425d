"""The API's document (OpenAPI 3.1), made from the catalogue; docs/reference/openapi.json is this."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from typing import Any, get_type_hints

import msgspec

from holdfast.functions.admin.catalogue import OPERATIONS
from holdfast.functions.admin.operation import Operation
from holdfast.functions.admin.oversight import Raw
from holdfast.functions.admin.permissions import ROLES
from holdfast.functions.admin.problems import MEDIA_TYPE, Problem

VERSION = "1.0.0"
_REF = "#/components/schemas/{name}"
_FILES = {
    "sealed_message": "message/rfc822",
    "sealed_export": "application/zip",
    "sealed_removed": "application/mbox",
}
_ERRORS = {
    "400": "It can't be read.",
    "401": "No token, or one that isn't good.",
    "403": "Your rights don't cover it.",
    "404": "It isn't there, or not within your rights.",
    "409": "It fits this document, but can't be done; `detail` says why.",
    "413": "The body is too large.",
    "415": "The body is of another type.",
    "422": "It doesn't fit this document, or another request was made under the same key.",
    "500": "A fault of the program; `reference` finds it in the journal.",
    "503": "`component` is out of reach; nothing is lost by asking again.",
}
# Which of an answer's fields name what was made, as later requests name it.
_MAKES = {
    "domain_add": {"domain": "name"},
    "customer_add": {"customer": "id"},
    "account_add": {"account": "id", "customer": "customer", "address": "login"},
    "alias_set": {"address": "address"},
    "invitation_add": {"domain": "domain", "invitation": "id"},
    "tenant_add": {"tenant": "id"},
    "token_add": {"token": "id"},
    "access_add": {"access": "id", "account": "account"},
    "import_run": {"digest": "digest"},
}
_BODY_ERRORS = ("413", "415")


def cut(operation: Operation, names: Sequence[str], suffix: str) -> type[msgspec.Struct]:
    """A struct of some of the fields that an operation is asked with, with their defaults."""
    hints = get_type_hints(operation.asks, include_extras=True)
    fields: list[Any] = []
    for each in msgspec.structs.fields(operation.asks):
        if each.name not in names:
            continue
        if each.default is not msgspec.NODEFAULT:
            fields.append((each.name, hints[each.name], each.default))
        else:
            fields.append((each.name, hints[each.name]))
    name = "".join(word.title() for word in operation.id.split("_")) + suffix
    namespace = {"__doc__": operation.asks.__doc__} if operation.asks.__doc__ else None
    return msgspec.defstruct(
        name, fields, frozen=True, kw_only=True, forbid_unknown_fields=True, namespace=namespace
    )


def body_of(operation: Operation) -> type[msgspec.Struct] | None:
    """What comes as JSON; None for an operation that takes none, or has nothing to say in it."""
    return cut(operation, operation.body_fields, "Body") if operation.has_body else None


def plain_of(operation: Operation) -> type[msgspec.Struct]:
    """What comes with path and query."""
    return cut(operation, plain_fields(operation), "Plain")


def plain_fields(operation: Operation) -> list[str]:
    return [each for each in (*operation.path_fields, *operation.query_fields) if each != "content"]


@functools.cache
def document() -> dict[str, Any]:
    bodies = {each.id: body_of(each) for each in OPERATIONS if each.body_fields}
    given = [each.gives for each in OPERATIONS if each.gives is not None and each.gives is not Raw]
    plain = {each.id: plain_of(each) for each in OPERATIONS}
    shapes = [*bodies.values(), *given, Problem, *plain.values()]
    references, components = msgspec.json.schema_components(shapes, ref_template=_REF, schema_hook=_anything)
    for shape in components.values():
        if "description" in shape:  # a docstring; whether its indentation is off depends on msgspec
            shape["description"] = inspect.cleandoc(shape["description"])
    by_shape = {id(shape): reference for shape, reference in zip(shapes, references)}
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        parameters = components[_last(by_shape[id(plain[operation.id])])]
        paths.setdefault(operation.path, {})[operation.method.lower()] = _of_operation(
            operation,
            parameters,
            by_shape[id(bodies[operation.id])] if operation.id in bodies else None,
            by_shape.get(id(operation.gives)),
        )
    schemas = {name: shape for name, shape in components.items() if not name.endswith("Plain")}
    return _whole(paths, schemas)


def _anything(shape: type) -> dict[str, Any]:
    """For ``object``, where an answer has what a record of the ledger has."""
    if shape is not object:
        raise NotImplementedError(shape)
    return {"description": "What the record has, secrets left out."}


def _last(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _whole(paths: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Holdfast administration",
            "version": VERSION,
            "description": "Reading goes on while the people process is gone (`X-Holdfast-Copy: local`); "
            "changes are answered with 503 then, and may be repeated under an `Idempotency-Key`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "`hfadm_…`"}},
            "responses": {
                f"Problem{status}": {
                    "description": text,
                    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
                for status, text in _ERRORS.items()
            },
        },
    }


def _of_operation(
    operation: Operation,
    parameters: dict[str, Any],
    body: dict[str, Any] | None,
    gives: dict[str, Any] | None,
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.group],
        "summary": operation.doc.split(":")[0].split(";")[0].rstrip("."),
        "description": operation.doc,
        "x-holdfast-permission": str(operation.permission),
        "x-holdfast-roles": [str(role) for role, rights in ROLES.items() if operation.permission in rights],
        "parameters": [_parameter(operation, name, parameters) for name in plain_fields(operation)],
        "responses": _responses(operation, gives),
    }
    if operation.changes:
        found["parameters"].append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "Asked again under it, nothing more happens.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            }
        )
    if body is not None:
        needed = bool(_required(operation))
        found["requestBody"] = {"required": needed, "content": {"application/json": {"schema": body}}}
    elif operation.takes:
        shape = {"type": "string", "description": "UTF-8; its first line names the columns."}
        found["requestBody"] = {"required": True, "content": {operation.takes: {"schema": shape}}}
    return found


def _required(operation: Operation) -> list[str]:
    return [
        each.name
        for each in msgspec.structs.fields(operation.asks)
        if each.name in operation.body_fields and each.required
    ]


def _parameter(operation: Operation, name: str, shape: dict[str, Any]) -> dict[str, Any]:
    place = "path" if name in operation.path_fields else "query"
    schema = dict(shape["properties"][name])
    return {
        "name": name,
        "in": place,
        "required": place == "path" or name in shape.get("required", ()),
        "schema": schema,
    }


def _responses(operation: Operation, gives: dict[str, Any] | None) -> dict[str, Any]:
    said: dict[str, Any] = {"description": "Done." if operation.changes else "What there is."}
    if gives is not None:
        said["content"] = {"application/json": {"schema": gives}}
    elif operation.id in _FILES:
        said["content"] = {_FILES[operation.id]: {"schema": {"type": "string", "format": "binary"}}}
    if operation.id in _MAKES:
        said["links"] = _links(operation)
    found: dict[str, Any] = {str(operation.status): said}
    for status in _ERRORS:
        if status in _BODY_ERRORS and not (operation.has_body or operation.takes):
            continue
        found[status] = {"$ref": f"#/components/responses/Problem{status}"}
    return found


def _links(operation: Operation) -> dict[str, Any]:
    """To every operation on what this one has made."""
    made = _MAKES[operation.id]
    return {
        other.id: {
            "operationId": other.id,
            "parameters": {name: f"$response.body#/{made[name]}" for name in other.path_fields},
        }
        for other in OPERATIONS
        if other.path_fields and set(other.path_fields) <= set(made) and other.id != operation.id
    }


@functools.cache
def text() -> str:
    """As it stands in docs/reference and at ``/v1/openapi.json``."""
    return msgspec.json.format(msgspec.json.encode(document(), order="sorted"), indent=1).decode() + "\n"
