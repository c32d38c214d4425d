"""The house rules as tests: what CONTRIBUTING.md asks for, a machine holds."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "holdfast"
FILE_LINES = 600
FUNCTION_LINES = 70
MAKE_WORDS = 8
VAGUE_NAMES = {"base", "common", "helper", "helpers", "manager", "misc", "shared", "util", "utils"}
PACKAGES = sorted(path.parent for path in SOURCE.glob("*/__init__.py"))
MODULES = sorted(SOURCE.rglob("*.py"))


@cache
def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(text(path))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_nothing_imports_in_a_circle() -> None:
    """Not even within functions; types alone may look back at who is made of them."""
    graph = grimp.build_graph("holdfast", exclude_type_checking_imports=True, cache_dir=None)
    TopologicalSorter(
        {each: graph.find_modules_directly_imported_by(each) for each in graph.modules}
    ).prepare()  # raises, and names the circle


def test_no_file_is_longer_than_a_reader_can_hold():
    long = {name(path): lines for path in MODULES if (lines := text(path).count("\n")) > FILE_LINES}
    assert not long


def test_no_function_is_longer_than_a_page():
    long = {}
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    long[f"{name(path)}:{node.name}"] = lines
    assert not long


def test_no_module_has_a_name_that_says_nothing():
    vague = [name(path) for path in MODULES if VAGUE_NAMES & set(path.stem.strip("_").split("_"))]
    assert not vague


def test_every_package_says_what_it_is():
    silent = [name(folder) for folder in PACKAGES if not ast.get_docstring(tree(folder / "__init__.py"))]
    assert not silent


def test_every_package_with_code_has_a_readme():
    bare = [
        name(folder)
        for folder in PACKAGES
        if len(list(folder.rglob("*.py"))) > 1 and not (folder / "README.md").exists()
    ]
    assert not bare


# Named invariants: **STORE-3** in a package's README or a format page.

DECLARED = re.compile(r"\*\*([A-Z][A-Z0-9]+-\d+)\*\*")


@cache
def declared() -> dict[str, str]:
    pages = [*SOURCE.rglob("README.md"), *(ROOT / "docs" / "formats").glob("*.md")]
    return {word: name(page) for page in pages for word in DECLARED.findall(text(page))}


@cache
def cited(where: str) -> set[str]:
    """``STORE-3``, ``store_3`` as words of their own in the Python files below ``where``."""
    found: set[str] = set()
    for path in (ROOT / where).rglob("*.py"):
        for prefix, number in re.findall(
            r"(?<![A-Za-z0-9])([A-Za-z][A-Za-z0-9]+)[-_](\d+)(?![0-9])", text(path)
        ):
            found.add(f"{prefix.upper()}-{number}")
        # test_run_1_and_2, test_pack_4_…: the words of a name
        for words in re.findall(r"def (?:test_)?(\w+)", text(path)):
            for prefix, number in re.findall(r"(?:^|_)([a-z][a-z0-9]*)_(\d+)(?=_|$)", words):
                found.add(f"{prefix.upper()}-{number}")
    return found


def test_every_invariant_is_cited_where_the_code_keeps_it():
    uncited = {word: page for word, page in declared().items() if word not in cited("src/holdfast")}
    assert not uncited


def test_every_invariant_is_cited_by_a_test_that_proves_it():
    unproved = {word: page for word, page in declared().items() if word not in cited("tests")}
    assert not unproved


def test_no_citation_names_an_invariant_that_no_page_states():
    prefixes = "|".join(sorted({word.rpartition("-")[0] for word in declared()}))
    unknown = {}
    for path in [*MODULES, *(ROOT / "tests").rglob("*.py")]:
        for word in re.findall(rf"\b(?:{prefixes})-\d+\b", text(path)):
            if word not in declared() and path.name != "test_tidy.py":
                unknown[word] = name(path)
    assert not unknown


# Events


def registers(path: Path) -> bool:
    return "holdfast.model.events import" in text(path) and any(
        isinstance(node, ast.ImportFrom)
        and node.module == "holdfast.model.events"
        and any(alias.name == "register" for alias in node.names)
        for node in tree(path).body
    )


REGISTRIES = [path for path in MODULES if registers(path)]


def registered() -> Iterator[tuple[Path, str, object]]:
    from holdfast.model.events import Event

    for path in REGISTRIES:
        module = importlib.import_module(module_name(path))
        for constant, event in vars(module).items():
            if isinstance(event, Event):
                yield path, constant, event


def test_events_are_registered_in_a_file_of_their_own_or_in_a_function_of_one_module():
    elsewhere = [
        name(path) for path in REGISTRIES if path.name != "events.py" and path.parent != SOURCE / "functions"
    ]
    assert not elsewhere


def test_every_event_has_a_plain_name_and_a_meaning():
    poor = []
    for path, _, event in registered():
        plain = re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", event.name)
        if not plain or len(event.meaning.split()) < 3:
            poor.append(f"{name(path)}: {event.name}: {event.meaning}")
    assert not poor


def test_every_event_is_emitted_somewhere():
    used: dict[str, int] = {}
    for path in MODULES:
        for word in re.findall(r"\b[A-Z][A-Z0-9_]{2,}\b", text(path)):
            used[word] = used.get(word, 0) + 1
    silent = [f"{name(path)}: {constant}" for path, constant, _ in registered() if used[constant] < 2]
    assert not silent


def test_events_are_emitted_with_registered_keys_only():
    keys: dict[str, set[str]] = {}
    for _, constant, event in registered():
        keys.setdefault(constant, set()).update(event.keys)
    wrong = []
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            first = node.args[0]
            constant = first.id if isinstance(first, ast.Name) else getattr(first, "attr", "")
            if node.func.attr != "emit" or constant not in keys:
                continue
            strange = {word.arg for word in node.keywords if word.arg} - keys[constant]
            if strange:
                wrong.append(f"{name(path)}:{node.lineno}: {constant}: {sorted(strange)}")
    assert not wrong


# Protocols


@pytest.mark.parametrize("protocol", ["smtp", "imap", "pop3", "jmap"])
def test_both_ends_of_every_protocol_are_written(protocol):
    folder = SOURCE / "wire" / protocol
    files = folder.rglob("*.py") if folder.is_dir() else [folder.with_suffix(".py")]
    classes = {node.name for path in files for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)}
    assert any(each.endswith("Server") for each in classes)
    assert any(each.endswith("Client") for each in classes)


# Documents


def docs() -> str:
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
    return "\n".join(text(page) for page in pages)


def test_the_docs_mention_every_command():
    from holdfast.cli.reference import commands

    pages = docs()
    missing = [command.path for command in commands() if f"holdfast {command.path}" not in pages]
    assert not missing


def test_the_docs_mention_every_configuration_key():
    from holdfast.run.describe import every_key

    pages = docs()
    missing = [f"{key.section}.{key.name}" for key in every_key() if f"`{key.name}`" not in pages]
    assert not missing


def test_every_dependency_has_its_reason_on_record():
    project = tomllib.loads(text(ROOT / "pyproject.toml"))["project"]
    wanted = [re.split(r"[<>=\[ ]", each)[0] for each in project["dependencies"]]
    decisions = "\n".join(text(page) for page in (ROOT / "docs" / "decisions").glob("*.md"))
    assert not [each for each in wanted if f"`{each}`" not in decisions]


def test_every_decision_has_a_date_a_status_and_what_was_rejected():
    poor = []
    for page in (ROOT / "docs" / "decisions").glob("[0-9]*.md"):
        dated = re.search(r"^Date: \d{4}-\d\d-\d\d$", text(page), re.M)
        status = re.search(r"^Status: (accepted|proposed|replaced by \d+)$", text(page), re.M)
        if not (dated and status and "## Rejected" in text(page)):
            poor.append(name(page))
    assert not poor


def test_links_between_pages_lead_somewhere():
    broken = []
    pages = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *SOURCE.rglob("README.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text(page)):
            if not (page.parent / target).exists():
                broken.append(f"{name(page)}: {target}")
    assert not broken


def test_make_has_few_words():
    phony = re.search(r"^\.PHONY: (.*)$", text(ROOT / "Makefile"), re.M)
    assert phony and len(phony.group(1).split()) <= MAKE_WORDS


def test_no_page_or_module_speaks_of_one_machine():
    strange = []
    for path in [*MODULES, *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]:
        if re.search(r"/work/|/tmp/venv|/home/\w", text(path)):
            strange.append(name(path))
    assert not strange
