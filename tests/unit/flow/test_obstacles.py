"""What keeps mail here is one destination's own affair, or that of our way out."""

from __future__ import annotations

import pytest

from holdfast.flow.obstacles import NAMES, ONWARD, Obstacles
from holdfast.model.limits import RELAY_WITNESSES_S
from holdfast.wire.smtp.replies import Reply

LISTED = Reply(451, "4.7.1", "203.0.113.7 is listed: https://blocklist.example/")
LATER = Reply(450, "4.2.0", "Greylisted, see http://postgrey.example/")
SILENT = Reply(451, "4.4.1", "mx.example [192.0.2.1]:25: no answer")


def test_one_destination_that_is_out_of_reach_is_its_own_affair_and_several_are_not():
    by_many = Obstacles(alone=False)
    said = [by_many.unreachable(f"{each}.example", SILENT, 0.0) for each in ("a", "a", "b", "c")]
    assert said == ["", "", "", ONWARD]
    by_many.taken("d.example")
    assert by_many.unreachable("c.example", SILENT, 1.0) == "", "mail goes out"
    spread = [by_many.no_name(f"{each}.example", each * RELAY_WITNESSES_S) for each in range(4)]
    assert spread == [""] * 4, "they have nothing to do with each other"
    assert [by_many.no_name(f"{each}.example", 5000.0) for each in "xyz"] == ["", "", NAMES]


def test_what_keeps_us_from_the_one_server_that_takes_all_keeps_all_mail_here():
    alone = Obstacles(alone=True)
    assert alone.unreachable("smart.example", SILENT, 0.0) == ONWARD
    assert alone.no_name("smart.example", 0.0) == NAMES
    assert alone.refused("a.example", LISTED, 0.0) == ONWARD
    assert alone.refused("a.example", LATER, 0.0) == "", "it may know something of that recipient"
    assert alone.refused("nobody.example", Reply(550, "5.1.1", "nobody of that name"), 0.0) == ""


def test_that_strangers_are_asked_to_come_again_says_nothing():
    by_many = Obstacles(alone=False)
    assert [by_many.refused(f"{each}.example", LATER, 0.0) for each in "abcdef"] == [""] * 6


def test_a_listing_is_believed_when_several_say_it_whatever_others_take():
    by_many = Obstacles(alone=False)
    assert by_many.refused("a.example", LISTED, 0.0) == ""
    by_many.taken("d.example")
    assert by_many.refused("b.example", LISTED._replace(code=550), 1.0) == ""
    assert by_many.refused("c.example", LISTED, 2.0) == ONWARD
    by_many.taken("a.example")
    assert by_many.refused("b.example", LISTED, 3.0) == "", "one of them takes our mail again"


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("blocked using zen.spamhaus.org", True),
        ("your IP is blacklisted", True),
        ("rejected: poor reputation", True),
        ("is on our DNSBL", True),
        ("Greylisting in action", False),
        ("mailbox full", False),
        ("user is unlisted", False),
    ],
)
def test_a_listing_is_known_by_the_words_that_receivers_use(text, listed):
    said = Obstacles(alone=True).refused("a.example", Reply(550, "5.7.1", text), 0.0)
    assert bool(said) == listed
