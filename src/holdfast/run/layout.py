"""Where everything lies below the data folder, in one place. docs/operate/storage.md says it to people."""

from __future__ import annotations

import os.path
from collections.abc import Iterator
from typing import NamedTuple

from holdfast.model.errors import Refused
from holdfast.model.ledgers import INCIDENTS, PEOPLE, ledger_number
from holdfast.run.config import Config
from holdfast.world import Disk

MAIN_VOLUME = "v1"
PEOPLE_WRITER = "people-writer"  # whose copy of the directory is the writer's own


class LedgerPlace(NamedTuple):
    """``folder``: the volume's; the ledger's own is below it. ``copies``: the same on other disks."""

    folder: str
    ledger: str
    copies: tuple[str, ...]


def main_volume(config: Config) -> str:
    """The name of the volume that takes mail: ``v1``, or the first by name."""
    return MAIN_VOLUME if MAIN_VOLUME in config.volumes else min(config.volumes)


def index_folder(config: Config, volume: str) -> str:
    return os.path.join(config.volume_folder(volume), "index")


def index_files(config: Config, volume: str, cell: int) -> list[str]:
    """A cell's index with what SQLite keeps beside it."""
    path = os.path.join(index_folder(config, volume), f"cell-{cell:02d}.sqlite")
    return [path, path + "-wal", path + "-shm"]


def people_folder(config: Config) -> str:
    """The folder that holds the people ledger, as a volume holds the others."""
    return config.data


def people_copies(config: Config) -> tuple[str, ...]:
    """Folders of the copies of the people ledger."""
    return config.copies_of(PEOPLE, "synchronous") + config.copies_of(PEOPLE, "trailing")


def copies_folder(config: Config) -> str:
    return os.path.join(config.data, "copies")


def copy_path(config: Config, process: str) -> str:
    """A process's own copy of the directory."""
    return os.path.join(copies_folder(config), f"{process}.sqlite")


def key_path(config: Config, name: str) -> str:
    """A key of the service's own: ``pages``, ``factors``, …"""
    return os.path.join(config.data, "keys", f"{name}.key")


def acme_folder(config: Config) -> str:
    """The account at the certificate authority, challenges, and how each renewal stands."""
    return os.path.join(config.data, "acme")


def dkim_folder(config: Config) -> str:
    return os.path.join(config.data, "keys", "dkim")


def domains_folder(config: Config) -> str:
    """A folder for each domain that has certificates of its own."""
    return os.path.join(config.data, "tls", "domains")


def domain_certificate(config: Config, domain: str) -> tuple[str, str]:
    """Certificate and key for the service names of one domain (``mta-sts.`` …)."""
    folder = os.path.join(domains_folder(config), domain)
    return os.path.join(folder, "certificate.pem"), os.path.join(folder, "key.pem")


def admin_folder(config: Config) -> str:
    """The audit trail, keys of requests already answered, and how far each hook is."""
    return os.path.join(config.data, "admin")


def proofs_path(config: Config, role: str) -> str:
    """Codes on their way to people, of all processes of a role."""
    return os.path.join(config.data, "proofs", f"{role}.sqlite")


def signup_path(config: Config) -> str:
    """Requests for accounts that wait."""
    return os.path.join(config.data, "signup", "requests.sqlite")


def watch_folder(config: Config) -> str:
    """The folder that holds the ledger of incidents, and what belongs to it."""
    return os.path.join(config.data, "watch")


def now_path(config: Config) -> str:
    """How it is now, as the role ``watch`` sees it."""
    return os.path.join(watch_folder(config), "now.json")


def care_folder(config: Config) -> str:
    """What those who care keep, and what they write for billing and the public."""
    return os.path.join(config.data, "care")


def console_path(config: Config) -> str:
    """Who may open the operator's console."""
    return os.path.join(watch_folder(config), "console.json")


def drills_folder(config: Config) -> str:
    """Score cards of drills that were held here."""
    return os.path.join(watch_folder(config), "drills")


def changes_path(config: Config) -> str:
    """What was changed of late, and what that is found by."""
    return os.path.join(watch_folder(config), "changes.json")


def customers_path(config: Config) -> str:
    """Who there is and how they are reached: a snapshot for those who care in an outage."""
    return os.path.join(config.data, "care", "customers.sqlite")


def reports_path(config: Config) -> str:
    """What customers reported."""
    return os.path.join(config.data, "care", "reports.sqlite")


def reports_folder(config: Config) -> str:
    """Drafts of reports: a folder for each incident."""
    return os.path.join(config.data, "care", "reports")


def notices_path(config: Config) -> str:
    """Who was told what of which incident."""
    return os.path.join(config.data, "care", "notices.sqlite")


def repairs_path(config: Config) -> str:
    """How repairs got on, of incidents."""
    return os.path.join(config.data, "care", "repairs.json")


def status_folder(config: Config) -> str:
    """Where the status page is written."""
    return config.status.folder or os.path.join(config.data, "care", "status")


def pushed_path(config: Config) -> str:
    """How it stands with each place that the status page goes to."""
    return os.path.join(config.data, "care", "pushed.json")


def watched_path(config: Config) -> str:
    """When the status page was written and knew how functions were."""
    return os.path.join(config.data, "care", "watched.json")


def sources_folder(config: Config) -> str:
    """What each directory outside has led to here."""
    return os.path.join(config.data, "sources")


def history_folder(config: Config) -> str:
    return os.path.join(config.data, "history")


def history_path(config: Config, process: str) -> str:
    """What a process notes of sign-ins."""
    return os.path.join(history_folder(config), f"{process}.sqlite")


def uploads_folder(config: Config) -> str:
    """What programs have uploaded and no message has taken up yet."""
    return os.path.join(config.data, "uploads")


def tokens_path(config: Config) -> str:
    """What is noted of sign-ins by token, of all processes of the role ``jmap``."""
    return os.path.join(config.data, "sessions", "tokens.sqlite")


def sessions_folder(config: Config) -> str:
    """Who signed out of which pages: a file per process, for all of them."""
    return os.path.join(config.data, "sessions")


def metrics_folder(config: Config) -> str:
    return os.path.join(config.run_folder, "metrics")


def metrics_path(config: Config, process: str) -> str:
    """Where a process tells what it has counted."""
    return os.path.join(metrics_folder(config), f"{process}.sock")


def socket_path(config: Config, role: str) -> str:
    return os.path.join(config.run_folder, f"{role}.sock")


def ledgers(disk: Disk, config: Config) -> Iterator[tuple[str, LedgerPlace]]:
    """Every ledger there is: ``v1/mail`` …, ``people``, ``incidents``."""
    for volume in sorted(config.volumes):
        folder = config.volume_folder(volume)
        copies = config.copies_of(volume, "synchronous") + config.copies_of(volume, "trailing")
        for name in sorted(disk.list(folder)) if disk.exists(folder) else []:
            if _is_ledger(name):
                yield f"{volume}/{name}", LedgerPlace(folder, name, copies)
    if disk.exists(os.path.join(people_folder(config), "people")):
        yield PEOPLE, LedgerPlace(people_folder(config), PEOPLE, people_copies(config))
    if disk.exists(os.path.join(watch_folder(config), INCIDENTS)):
        yield INCIDENTS, LedgerPlace(watch_folder(config), INCIDENTS, ())


def _is_ledger(name: str) -> bool:
    try:
        ledger_number(name)
    except Refused:
        return False
    return True
