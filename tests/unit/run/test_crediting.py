"""Rules of credits and places of the status page, as the configuration has them."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from pathlib import Path

import pytest

from holdfast.care.credits.fees import Fee
from holdfast.care.credits.policies import TKG_58, Flat, Tier, Tiers
from holdfast.care.status.places import S3Place, SftpPlace
from holdfast.care.status.push import FolderPlace
from holdfast.cli import checks
from holdfast.model.errors import Refused
from holdfast.run import crediting, layout, publishing
from holdfast.run.config import Config
from holdfast.run.reading import parse
from holdfast.world import real_world

RULES = """
[care]
fees = "fees.csv"
currency = "CHF"
[credits.voluntary]
rule = "daily"
source = "in the manner of § 58 (3) TKG"
functions = ["imap"]
since = "2012-08-01"
until = "2012-12-31"
[credits.business]
rule = "tiers"
source = "agreement, annex 2"
tiers = ["99.9: 10", "95 : 50.5"]
[credits.goodwill]
rule = "flat"
source = "decided"
amount = "7.5"
least_hours = 2
"""


def config(text: str, folder: Path = Path("/etc/holdfast")) -> Config:
    return parse(text, str(folder / "holdfast.toml"), {})


def test_rules_are_as_they_are_written() -> None:
    business, goodwill, voluntary = crediting.policies(config(RULES))
    assert voluntary.rule == TKG_58 and voluntary.functions == ("imap",)
    assert (voluntary.since, voluntary.until) == (datetime.date(2012, 8, 1), datetime.date(2012, 12, 31))
    assert business.rule == Tiers((Tier(Decimal("99.9"), Decimal(10)), Tier(Decimal(95), Decimal("50.5"))))
    assert goodwill.rule == Flat(750, 7200.0)
    assert crediting.policies(Config()) == []


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ('rule = "daily"\nsource = ""', "credits.x.source: needed"),
        (
            'rule = "daily"\nsource = "s"\nsteps = ["third: 10, 5"]',
            "credits.x.steps: 'third: 10, 5' is not like",
        ),
        ('rule = "tiers"\nsource = "s"\ntiers = ["99.9"]', "credits.x.tiers: '99.9' is not like"),
        ('rule = "tiers"\nsource = "s"\ntiers = ["9.9.9: 1"]', "credits.x.tiers"),
        ('rule = "flat"\nsource = "s"\namount = "five"', "credits.x.amount"),
        ('rule = "flat"\nsource = "s"\nsince = "soon"', "credits.x.since: 'soon' is no day"),
        ('rule = "flat"\nsource = "s"\nfunctions = ["fax"]', "credits.x.functions: no function 'fax'"),
        ('rule = "flat"\nsource = "s"\ntime_zone = "Moon/Crater"', "credits.x.time_zone"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_its_key(keys: str, what: str) -> None:
    with pytest.raises(Refused) as refused:
        config(f"[credits.x]\n{keys}\n")
    assert what in refused.value.text


def test_fees_are_read_from_the_file_each_time(tmp_path: Path) -> None:
    made = config(RULES, tmp_path)
    with pytest.raises(OSError):
        crediting.known_fees(real_world(level="error"), made)
    (tmp_path / "fees.csv").write_text("\ufeffcontract,fee,currency\nK-1,29.90,\n", encoding="utf-8")
    assert crediting.known_fees(real_world(level="error"), made) == {"K-1": Fee(2990, "CHF")}
    assert crediting.known_fees(real_world(level="error"), Config()) == {}


PLACES = """
[publish.disk]
to = "www"
[publish.mirror]
to = "sftp://status@mirror.example.net:2222/srv/status"
key = "key"
[publish.bucket]
to = "s3://pages/mail/status"
"""


def test_a_place_is_what_its_address_says(tmp_path: Path) -> None:
    made, world = config(PLACES, tmp_path), real_world(level="error")
    places = {name: publishing.place(world, made, name, each) for name, each in made.publish.items()}
    assert isinstance(places["disk"], FolderPlace) and isinstance(places["bucket"], S3Place)
    mirror = places["mirror"]
    assert isinstance(mirror, SftpPlace)
    words = mirror._words()
    assert words[-1] == "status@mirror.example.net" and words[words.index("-P") + 1] == "2222"
    assert f"IdentityFile={tmp_path}/key" in words and "StrictHostKeyChecking=yes" in words


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ('to = "ftp://example.net/x"', "publish.x.to: 'ftp://example.net/x' is no folder"),
        ('to = "s3:///x"', "publish.x.to"),
        ('to = "s3://x"\naccess_key = "me"', "publish.x.secret_key: needed with access_key"),
    ],
)
def test_a_place_that_cannot_be_is_refused_with_its_key(keys: str, what: str) -> None:
    with pytest.raises(Refused) as refused:
        config(f"[publish.x]\n{keys}\n")
    assert what in refused.value.text


def test_doctor_names_the_place_that_the_page_does_not_get_to(tmp_path: Path) -> None:
    made = config('[service]\ndata = "data"\n', tmp_path)
    path = Path(layout.pushed_path(made))
    path.parent.mkdir(parents=True)
    known = {"here": {"to": "/www", "whole_at": 1.0}, "mirror": {"to": "sftp://x", "reason": "no route"}}
    path.write_text(json.dumps(known))
    [trouble] = checks.check_status_page(real_world(level="error"), made)
    assert trouble.id == "status-page" and "sftp://x: no route" in trouble.what
