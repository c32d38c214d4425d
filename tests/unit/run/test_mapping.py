"""The dependency map: it has every component that the code names, and a fault in it is named or undecided."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import pytest

import holdfast
from holdfast.model.edges import REACHES, WORDS, matches, meant, register_edge
from holdfast.model.functions import FUNCTIONS
from holdfast.packs.shelf import component
from holdfast.run import mapping
from holdfast.run.config import Config
from holdfast.run.reading import parse
from holdfast.watch.depends import DependencyMap
from holdfast.watch.diagnosis import Outcome, Verdict, diagnose, gather

SOURCE = Path(holdfast.__file__).parent
EVERYTHING = """
[service]
hostname = "mail.example.org"
data = "/srv/holdfast"
journal = "/var/log/holdfast.jsonl"
[volumes.v1]
folder = "/disks/v1"
[copies.second]
folder = "/disks/second"
[listen]
jmap_http = [":8080"]
[relay]
smarthost = "smart.example.net:587"
user = "holdfast"
tls = "required"
password = "file:/etc/holdfast/relay"
[acme]
directory = "https://acme.example/directory"
terms_agreed = true
key_id = "ours"
key_secret = "file:/etc/holdfast/acme"
[signup]
contract = ["example.org"]
contract_url = "https://crm.example/contracts"
contract_secret = "file:/etc/holdfast/contracts"
[gateways]
sms_url = "https://sms.example/"
sms_secret = "file:/etc/holdfast/sms"
mail_smarthost = "other.example.net:587"
[hooks.crm]
url = "https://crm.example/hook"
secret = "file:/etc/holdfast/hook"
[directories.staff]
kind = "ldap"
url = "ldaps://ldap.example"
base = "dc=example"
user = "cn=holdfast,dc=example"
password = "file:/etc/holdfast/ldap"
[directories.office]
kind = "oidc"
issuer = "https://login.example"
client_id = "holdfast"
[traces]
endpoint = "http://127.0.0.1:4318/v1/traces"
[channels.crm]
kind = "sms"
url = "https://sms.example.net"
[notices]
alarms = "file:/etc/holdfast/alarms"
[vantages.east]
url = "http://east.example.net:9465"
key = "file:/etc/holdfast/east"
[vantages.west]
url = "http://west.example.net:9465"
key = "file:/etc/holdfast/west"
"""


@cache
def default() -> DependencyMap:
    return mapping.dependency_map(Config(), cells=range(64))


@cache
def everything() -> DependencyMap:
    return mapping.dependency_map(everything_configured())


def everything_configured() -> Config:
    return parse(EVERYTHING, "/etc/holdfast/holdfast.toml", {})


def reached(known: DependencyMap, process: str) -> dict[str, str]:
    """Target → what it costs without."""
    return {each.target: each.without for each in known.reaches if each.source == f"process/{process}"}


# MAP-1: what there is


def test_map_1_a_process_for_each_worker_and_a_component_for_all_it_reaches():
    known = default()
    assert {"process/imap-0", "process/imap-1", "process/relay-0"} <= known.components.keys()
    assert "process/sources-0" not in known.components and "partner/sms" not in known.components
    assert {"cell-00/index", "cell-63/index"} <= known.components.keys()
    assert reached(known, "mx-0")["copy/mx-0"] == reached(known, "mx-0")["ledger/mx-0"] == ""
    assert "copy/imap-0" not in reached(known, "mx-0") and "cell-07/index" not in reached(known, "mx-0")


def test_map_1_accepting_mail_needs_no_other_process():
    costs_all = [target for target, without in reached(default(), "mx-0").items() if not without]
    assert sorted(costs_all) == ["copy/mx-0", "ledger/mx-0"]


def test_map_1_what_the_configuration_names_is_there():
    for id in (
        *("partner/relay", "partner/acme", "partner/contracts", "partner/sms", "partner/smarthost"),
        *("partner/channel/crm", "partner/alarms", "notices"),
        *("partner/hook/crm", "partner/traces", "source/ldap:staff", "source/oidc:office", "sources/staff"),
        *("process/sources-0", "journal", "disk/copy-second", "door/jmap_http"),
    ):
        assert id in everything().components, id
    assert "elsewhere" not in everything().components  # all goes by the smarthost


def test_map_1_each_registered_edge_is_one_of_the_map_of_everything():
    known = mapping.dependency_map(everything_configured(), domains=["example.org"])
    lost = {
        (each.component, role)
        for each in REACHES
        for role in each.roles
        if role in ("mx", "imap", "jmap", "sources", "password", "signup", "admin", "setup", "people", "auth")
        and not any(matches(each.component, target, f"{role}-0") for target in reached(known, f"{role}-0"))
    }
    assert not lost


def test_map_1_nobody_registers_an_edge_twice():
    with pytest.raises(ValueError, match="twice for relay"):
        register_edge("dns", ("relay",), "again")


def test_what_lies_on_a_disk_needs_that_disk():
    assert "disk/volume-v1" in everything().closure("ledger/mail")
    assert "disk/data" not in everything().closure("ledger/mail")
    assert "disk/data" in default().closure("ledger/mail")  # the volume is a folder of it
    apart = mapping.dependency_map(Config(), device=lambda folder: folder)
    assert "disk/data" not in apart.closure("ledger/mail")


def test_what_lies_at_a_path_is_found():
    config = Config()
    for path, id in {
        "copies/mx-0.sqlite-wal": "copy/mx-0",
        "copies/admin-0-audit.sqlite": "copy/admin-0-audit",
        "volumes/v1/mx-0/00000001.pack": "ledger/mx-0",
        "volumes/v1/submission-0.sent": "ledger/submission-0",
        "volumes/v1/index/cell-07.sqlite-shm": "cell-07/index",
        "volumes/v1/index": "disk/volume-v1",
        "people/00000001.pack": "ledger/people",
        "sessions/tokens.sqlite": "sessions/tokens",
        "care/customers.sqlite": "customers",
        "somewhere": "disk/data",
    }.items():
        assert mapping.component_at(config, f"{config.data}/{path}") == id
    assert mapping.component_at(config, "/etc/passwd") == ""


def test_what_a_process_does_not_begin_without_may_keep_it_from_running():
    """Its ledger is opened first; one that runs goes on, and who accepts mail begins without."""
    known = default()
    for first in ("ledger/mail", "disk/volume-v1"):
        assert known.may_break(first, "process/store-0") and first not in known.closure("process/store-0")
    assert known.may_break("copy/people-writer", "process/people-0")
    assert not known.may_break("ledger/mx-0", "process/mx-0")


def test_files_with_secrets_are_components_as_the_configuration_names_them():
    found = dict(mapping.secrets(everything_configured()))
    assert len(found) == 9 and found["gateways.sms_secret"] == "/etc/holdfast/sms"
    assert {"hooks.crm.secret", "directories.staff.password", "relay.password"} <= found.keys()
    known = everything()
    assert known.may_break("secret/relay.password", "process/relay-0")  # it doesn't start without
    assert reached(known, "signup-0")["secret/gateways.sms_secret"]
    assert mapping.component_at(everything_configured(), "/etc/holdfast/sms") == "secret/gateways.sms_secret"


def test_what_grows_can_fill_its_disk_and_an_authority_away_lets_a_certificate_end():
    known = everything()
    assert known.may_break("partner/relay", "disk/volume-v1")  # by the queue
    assert known.may_break("partner/acme", "certificate/mail.example.org")
    assert not known.may_break("ledger/mail", "disk/volume-v1")


# Vantage points


VANTAGES = """
[service]
hostname = "mail.example.org"
data = "/srv/holdfast"
[web]
account_url = "https://konto.example.org"
[listen]
account_https = []
account_http = ["127.0.0.1:8080"]
"""


@cache
def seen_from(*names: str, more: str = "") -> DependencyMap:
    text = VANTAGES + "".join(
        f'[vantages.{each}]\nurl = "http://{each}"\nkey = "file:/k"\n{more}' for each in names
    )
    return mapping.dependency_map(parse(text, "/etc/holdfast.toml", {}))


def test_map_1_from_a_vantage_point_each_public_door_is_tried_like_ours_and_over_the_way_from_there():
    known = seen_from("east", "west")
    functions = {each.function for each in known.trials.values() if each.id.endswith("@east")}
    assert functions == set(FUNCTIONS)
    ours, theirs = known.trials["imap/imaps"], known.trials["imap/imaps@east"]
    assert [each.name for each in theirs.steps] == ["resolve", *(each.name for each in ours.steps)]
    way = {"transit/east/imaps", "entry/imaps"}
    assert theirs.steps[0].uses == way | {"name/mail.example.org"}
    assert all(mine.uses | way == far.uses for mine, far in zip(ours.steps, theirs.steps[1:], strict=True))
    assert {"transit/east", "vantage/east", "public", "network"} <= known.under(theirs.steps[1].uses)
    assert "dns" not in known.under(theirs.steps[0].uses)  # that is ours


def test_map_1_behind_a_proxy_the_page_is_tried_as_customers_reach_it():
    known = seen_from("east", "west")
    far = known.trials["password/account_http@east"]
    assert [each.name for each in far.steps] == ["resolve", "connect", "certificate", "GET /"]
    assert "certificate/mail.example.org" not in far.steps[2].uses


def test_map_1_what_no_trial_could_tell_apart_is_one():
    """With one vantage point the way from there ends at our door; with one door it leads to no other."""
    assert not {"public", "entry/imaps"} & seen_from("east").components.keys()
    alone = seen_from("east", "west", more='doors = ["mx"]\n').components.keys()
    assert {"transit/east", "public"} <= alone and not {"transit/east/mx", "entry/mx"} & alone


@pytest.mark.slow
@pytest.mark.parametrize(
    "component",
    [
        *("vantage/east", "transit/east", "transit/east/mx", "entry/mx", "entry/account_http", "public"),
        *("network", "dns", "name/mail.example.org", "door/imaps", "process/imap-0"),
        "certificate/mail.example.org",
    ],
)
def test_map_4_with_vantage_points_it_is_told_where_between_there_and_here_it_is(component):
    known = seen_from("east", "north", "west")
    said = diagnose(known, gather(known, shown(known, component)))
    assert {cause.component for cause in said.causes} == {component}


def test_map_4_from_one_vantage_point_its_way_is_named():
    known = seen_from("east")
    for faulty in ("transit/east", "transit/east/mx", "vantage/east"):
        said = diagnose(known, gather(known, shown(known, faulty)))
        assert {cause.component for cause in said.causes} == {faulty}


# MAP-2: words of Unavailable

# What is a name only at run time, and where it comes from.
HANDED_ON = {
    "self.component": "volume-v1/mx-0",
    "self._component": "source/oidc:office",
    "self._ledger": "password-asked-0",
    "name": "source/ldap:staff",
    "component(name)": "source/ldap:staff",
    "component(self.name)": "source/sql:crm",
    "component(cell)": "cell-07/index",
    "asking.component(name)": "vantage/east",
    "component(self.cell)": "cell-07/index",
    "letter.channel": "phone",
    "error.component": "",  # handed on
    "remedy.component": "",
    "cause.component": "",
    "a.component": "",
    "component": "",
    "*_decode_unavailable(payload)": "",
    "placed": "",  # another Lost
    "self._site.url": "",  # a canary's own word, which ends with it
    "path": "",  # of a lock; who takes it says its own name
}


def named() -> Iterator[tuple[str, str]]:
    """(where, word) of everything that may be out of reach."""
    for path in sorted(SOURCE.rglob("*.py")):
        if path.relative_to(SOURCE).parts[0] in ("sim", "cli"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            place = {"Unavailable": 0, "OutOfReach": 0, "Lost": 0, "Link": 2, "SmallFile": 2}.get(called)
            found = [each.value for each in node.keywords if each.arg == "component" and "emit" not in called]
            if place is not None:
                found += node.args[place : place + 1]
            for each in found:
                yield f"{path.relative_to(SOURCE)}:{node.lineno}", _word(path, each)


def _word(path: Path, said: ast.expr) -> str:
    if isinstance(said, ast.Constant):
        return str(said.value)
    if isinstance(said, ast.JoinedStr):
        return "".join(str(each.value) if isinstance(each, ast.Constant) else "0" for each in said.values)
    text = ast.unparse(said)
    module = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
    value = getattr(importlib.import_module(module), text, None) if isinstance(said, ast.Name) else None
    return value if isinstance(value, str) else HANDED_ON.get(text, f"not a word: {text}")


@pytest.mark.slow
def test_map_2_everything_that_can_be_out_of_reach_is_a_word_with_components():
    mapping.load()
    unknown = []
    for where, word in named():
        try:
            assert not word or meant(word) is not None
        except KeyError:
            unknown.append((where, word))
    assert not unknown


def test_map_2_each_word_means_components_of_the_map_or_a_bound():
    known = everything()
    bounds = {word for word, components in WORDS.items() if not components}
    assert bounds == {"auth/limit", "memory/{what}", "pace", "export", "admin"}
    for word, components in WORDS.items():
        if word != "incidents":  # of the role watch
            assert not components or any(
                known.meant(filled(word), each) for each in ("password-0", "admin-0")
            )


def filled(word: str) -> str:
    for field, value in {
        "{cell}": "07",
        "{volume}": "v1",
        "{ledger}": "mail",
        "{number}": "0",
        "{what}": "messages",
        "source/{name}": "source/ldap:staff",
        "vantage/{name}": "vantage/east",
        "{name}": "crm",
    }.items():
        word = word.replace(field, value)
    return word


def test_map_2_what_a_process_means_by_a_word_is_its_own():
    assert default().meant("people", "mx-0") == {
        *("copy/mx-0", "socket/people", "process/people-0", "ledger/people")
    }
    assert default().meant("volume-v1/mail", "imap-0") == {"ledger/mail"}
    with pytest.raises(KeyError):
        default().meant("nonsense", "mx-0")


# MAP-4: what a diagnosis finds on the real map

# Nothing that is tried passes through these: such a fault shows nowhere.
UNTRIED = {
    "elsewhere",  # canaries go there and back
    "partner/push",  # as many as there are makers of browsers
}
# Of each set, all that is tried passes through every one or through none.
ALIKE = [{"dns", "network"}]
CELLS = ("cell-00/index", "cell-37/index", "cell-63/index")  # all are alike to the trials


def shown(known: DependencyMap, faulty: str) -> list[Outcome]:
    """What all trials show, four times, when that component alone spoils what passes through it."""
    found = []
    for trial in known.trials.values():
        failed = next((each.name for each in trial.steps if faulty in known.under(each.uses)), "")
        found += [Outcome(trial.id, 1000.0 + time, failed) for time in range(4)]
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    "component", [*CELLS, *(each for each in default().components if mapping.kind(each) != "index")]
)
def test_map_4_a_single_fault_of_a_default_service_is_named_or_known_to_be_undecided(component):
    said = diagnose(default(), gather(default(), shown(default(), component)))
    alike = next((each for each in ALIKE if component in each), set())
    if component in UNTRIED:
        assert said.verdict is Verdict.WELL
    elif alike:
        assert said.verdict is Verdict.UNDECIDED
        assert {frozenset({each}) for each in alike} <= {each.components for each in said.runners_up}
    else:
        assert {cause.component for cause in said.causes} == {component}


DOWN = {
    "process/store-0": "runs",
    "metrics/store-0": "answer",
    "socket/store": "answer",
    "canary/pop3": "QUIT",
    "imap/imaps": "",
}


@pytest.mark.slow
def test_a_writer_that_does_not_begin_is_its_disk_s_fault_where_that_shows_one_and_else_its_own():
    known = mapping.dependency_map(everything_configured(), canaries=(1, 2))
    down = [Outcome(trial, 1000.0 + n, step) for n in range(4) for trial, step in DOWN.items()]
    assert {each.component for each in diagnose(known, gather(known, down)).causes} == {"process/store-0"}
    read_only = [Outcome("disk/volume-v1", 1000.5 + n, "sync") for n in range(3)]
    shown = sorted([*down, *read_only], key=lambda each: each.at)
    told = [(each.component, each.after) for each in diagnose(known, gather(known, shown)).causes]
    assert told == [("disk/volume-v1", ""), ("process/store-0", "disk/volume-v1")]


@pytest.mark.slow
def test_a_lock_on_the_copy_that_changes_are_decided_by_is_named_by_what_the_writer_says():
    """Who asks it is told what it lacks, though they don't reach that themselves."""
    known = mapping.dependency_map(everything_configured(), canaries=(1, 2), sessions=True)
    for process in ("password-0", "signup-0", "people-0"):
        steps = {each.name: each.uses for each in known.trials[f"sessions/{process}"].steps}
        assert steps["people/copy"] == {"copy/people-writer", f"process/{process}"}
    shown = [
        *(Outcome("sessions/password-0", 1000.0 + n, "people/copy", 0) for n in range(2)),
        *(Outcome("sessions/signup-0", 1000.0 + n, "people/copy", 0) for n in range(2)),
        *(Outcome("canary/password", 1001.0 + n, "change") for n in range(2)),
    ]
    assert {each.component for each in diagnose(known, gather(known, shown)).causes} == {"copy/people-writer"}


@pytest.mark.slow
def test_map_2_a_ledger_is_called_by_its_folder_whatever_the_volume_is_called():
    config = everything_configured()
    config.volumes["v1"] = msgspec.structs.replace(config.volumes["v1"], folder="/disks/volume")
    known = mapping.dependency_map(config, sessions=True)
    steps = {each.name: each.uses for each in known.trials["sessions/mx-0"].steps}
    assert "ledger/mx-0" in steps[component("/disks/volume", "mx-0")]
    assert known.meant(component("/disks/volume", "mx-0"), "mx-0") == {"ledger/mx-0"}
    assert "ledger/people" in steps[component(config.data, "people")]


def test_what_a_step_needs_is_looked_at_first_when_it_fails():
    """Before a process is called at fault, the disk that its ledger lies on is known."""
    first = default().around("process/store-0", "runs")[:4]
    assert {"disk/volume-v1", "ledger/mail"} <= set(first)


def test_map_4_what_no_trial_passes_through_is_known():
    known = default()
    tried = set().union(*(known.under(step.uses) for each in known.trials.values() for step in each.steps))
    assert known.components.keys() - tried == UNTRIED
