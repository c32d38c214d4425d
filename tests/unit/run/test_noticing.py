"""Ways to customers, as the configuration has them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from holdfast.care.notices.channels import Alarm, Push
from holdfast.care.notices.recipients import Contact
from holdfast.model.errors import Refused
from holdfast.run import noticing
from holdfast.run.config import Config
from holdfast.run.reading import parse
from holdfast.world import real_world
from holdfast.world.http import HttpClient

WAYS = """
[gateways]
sms_url = "https://sms.example/"
sms_countries = ["+49"]
mail_smarthost = "mail.example:587"
[channels.second]
kind = "sms"
url = "https://other.example/"
[channels.own]
kind = "push"
url = "https://push.example/mail-{token}"
[channels.all]
kind = "push"
url = "https://push.example/all"
"""
GERMAN = Contact(1, "c-1", "+491701234567", "ann@elsewhere.example", "de")
BRITISH = Contact(2, "c-2", "+447700900123", "", "en")
NOBODY = Contact(3, "c-3", "", "", "")


def config(folder: Path, text: str) -> Config:
    return parse(text, str(folder / "holdfast.toml"), {})


@cache
def client() -> HttpClient:
    """It is asked nothing; making one reads all authorities there are."""
    return HttpClient(real_world(level="error"))


def ways(of: Config) -> noticing.Ways:
    return noticing.ways(real_world(level="error"), of, client())


@pytest.mark.slow
def test_text_messages_come_first_then_further_gateways_then_mail_unless_it_is_said_otherwise(
    tmp_path: Path,
) -> None:
    assert [each.name for each in ways(config(tmp_path, WAYS)).order] == ["sms", "second", "mail"]
    ordered = config(tmp_path, f'{WAYS}\n[notices]\norder = ["mail", "second"]\n')
    assert [each.name for each in ways(ordered).order] == ["mail", "second"]


def test_each_customer_has_the_first_way_that_reaches_him_and_paper_is_the_last(tmp_path: Path) -> None:
    found = ways(config(tmp_path, WAYS))
    assert found.firsts([GERMAN, BRITISH, NOBODY])[:3] == [(1, "sms"), (2, "second"), (3, "letter")]
    assert [found.after(each, GERMAN) for each in ("sms", "second", "mail")] == ["second", "mail", "letter"]
    assert found.after("second", BRITISH) == "letter" and found.after("own", GERMAN) == ""


def test_a_topic_for_everybody_is_told_once_and_one_of_each_beside_the_other_ways(tmp_path: Path) -> None:
    found = ways(config(tmp_path, WAYS))
    assert [(each.name, each.single) for each in found.beside if isinstance(each, Push)] == [
        ("all", True),
        ("own", False),
    ]
    assert (2, "own") in found.firsts([GERMAN, BRITISH])
    assert found.for_all(quiet=True) == found.for_all(quiet=False) == [(0, "all")]


def test_the_staff_is_told_by_each_line_and_a_file_that_is_not_there_yet_is_read_later(
    tmp_path: Path,
) -> None:
    of = config(tmp_path, '[notices]\nalarms = "file:alarms"\n')
    assert [each.name for each in ways(of).beside] == ["alarm-1"]
    (tmp_path / "alarms").write_text("ntfys://one\n\n# two\njson://three\n")
    found = ways(of)
    assert [each.name for each in found.beside if isinstance(each, Alarm)] == ["alarm-1", "alarm-2"]
    assert found.for_all(quiet=True) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[notices]\norder = ["pigeon"]\n', "'pigeon' is no way to a customer"),
        ('[channels.mail]\nkind = "sms"\nurl = "https://x"\n', "name it otherwise"),
        ('[channels.x]\nkind = "sms"\nurl = "sms.example"\n', "no http or https address"),
        ('[notices]\nquiet = "22-7"\n', "notices.quiet"),
    ],
)
def test_a_way_that_can_not_be_is_refused_before_anybody_waits_for_it(
    tmp_path: Path, text: str, why: str
) -> None:
    with pytest.raises(Refused, match=why):
        config(tmp_path, text)


def test_a_link_leads_to_the_customers_own_page_and_is_nobody_elses(tmp_path: Path) -> None:
    of = config(tmp_path, f'[service]\ndata = "{tmp_path}"\n[status]\nurl = "https://s.example/"\n')
    (one, token), (other, _) = (noticing.links(of)(each) for each in (1, 2))
    assert one == f"https://s.example/customer-{token}.html" and len(token) == 26 and one != other
    without = config(tmp_path, f'[service]\ndata = "{tmp_path}"\n')
    assert noticing.links(without)(1)[0] == ""
