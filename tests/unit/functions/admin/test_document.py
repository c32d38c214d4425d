"""The document and the reference page say what the table says, and the table is whole."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from openapi_spec_validator import validate

from holdfast.functions.admin import openapi, reference
from holdfast.functions.admin.catalogue import BY_ID, OPERATIONS
from holdfast.functions.admin.gate import _FINDERS
from holdfast.functions.admin.hook_events import _STATES, NAMES
from holdfast.functions.admin.operation import Reach

ROOT = Path(__file__).parents[4]


def test_the_reference_is_what_the_table_says():
    folder = ROOT / "docs" / "reference"
    assert (folder / "openapi.json").read_text(encoding="utf-8") == openapi.text(), "make docs"
    assert (folder / "admin-api.md").read_text(encoding="utf-8") == reference.page(), "make docs"


@pytest.mark.slow
def test_the_document_is_openapi_3_1():
    validate(msgspec.json.decode(openapi.text()))


def test_admin_7_ids_and_routes_are_used_once_and_every_path_has_its_version():
    assert len(BY_ID) == len(OPERATIONS)
    assert len({(each.method, each.path) for each in OPERATIONS}) == len(OPERATIONS)
    assert all(re.fullmatch(r"/v1(/[a-z-]+|/\{[a-z_]+\})+", each.path) for each in OPERATIONS)


def test_admin_7_every_field_of_a_path_is_one_of_what_is_asked():
    for operation in OPERATIONS:
        assert set(operation.path_fields) <= set(operation.asks.__struct_fields__), operation.id


def test_admin_2_an_operation_names_something_or_needs_the_whole_service():
    """What has neither a field that the gate looks up nor a list of its own is for the whole service."""
    nameless = {
        each.id
        for each in OPERATIONS
        if each.reach is Reach.NAMED and not set(each.asks.__struct_fields__) & set(_FINDERS)
    }
    assert nameless == {"counts", "announce", "tenant_add", "hook_list"}


def test_reading_changes_nothing_but_the_record_of_who_looked():
    assert all(each.changes == (each.method != "GET") for each in OPERATIONS)


def test_no_answer_has_a_field_for_a_secret_but_those_shown_once():
    secret = re.compile(r"password$|secret|credential_hash|digest$|salt", re.I)
    shown_once = {"InvitationMade": {"code"}, "TokenMade": {"token"}}
    shapes = openapi.document()["components"]["schemas"]
    found = {
        (name, field)
        for name, shape in shapes.items()
        if not name.endswith("Body")
        for field in shape.get("properties", {})
        if secret.search(field)
    }
    assert found == {("ImportReport", "digest")}  # of a file, not of a secret
    assert all(set(shapes[name]["properties"]) >= fields for name, fields in shown_once.items())


def test_the_page_for_administrators_names_every_event_of_hooks():
    page = (ROOT / "docs" / "operate" / "administration.md").read_text(encoding="utf-8")
    said = page[page.index("Events: ") :]
    for name in (*NAMES.values(), *_STATES.values()):
        group, _, event = name.partition(".")
        line = next((each for each in re.split(r" · |\n", said) if f"`{group}." in each), "")
        assert event in line, name
