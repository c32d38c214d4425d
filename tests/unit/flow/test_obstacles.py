"""What keeps mail here is one destination's own affair, or that of our way out."""

from __future__ import annotations

import pytest

from holdfast.flow.obstacles import NAMES, ONWARD, Obstacles
from holdfast.model.limits import (
    RELAY_LISTED_ALONE_S,
    RELAY_LISTED_KEPT_S,
    RELAY_LISTED_S,
    RELAY_WITNESSES_S,
)
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
        ("Client host [203.0.113.7] rejected: bad neighbourhood", True),
        ("Access denied, banned sending IP [203.0.113.7]", True),
        ("your server 203.0.113.7 was blocked", True),
        ("relay access denied", False),
        ("Sender address [a@spam.example] blocked using dbl.spamhaus.org", False),
        ("message contains a URL listed by SURBL", False),
        ("Greylisting in action", False),
        ("mailbox full", False),
        ("user is unlisted", False),
    ],
)
def test_a_listing_is_known_by_the_words_that_receivers_use(text, listed):
    said = Obstacles(alone=True).refused("a.example", Reply(550, "5.7.1", text), 0.0)
    assert bool(said) == listed


REFUSED = Reply(554, "5.7.1", "Service unavailable; Client host [203.0.113.7] blocked using zen.spamhaus.org")


def test_queue_4_mail_refused_for_our_address_waits_and_what_is_its_own_fault_does_not():
    found = Obstacles(alone=False)
    assert found.waits("a.example", REFUSED, 0.0)
    assert found.waits("a.example", Reply(550, "5.7.25", "no PTR record"), 0.0)
    assert not found.waits("a.example", Reply(550, "5.1.1", "nobody of that name"), 0.0)
    assert not found.waits("a.example", Reply(550, "5.7.1", "relaying denied"), 0.0)
    assert not found.waits("a.example", Reply(554, "5.7.1", "message looks like spam"), 0.0)


def test_queue_4_where_one_alone_refuses_us_senders_are_told_sooner_than_where_all_do():
    found = Obstacles(alone=False)
    times = [RELAY_LISTED_ALONE_S * step / 4 for step in range(6)]
    assert [found.waits("a.example", REFUSED, at) for at in times] == [True] * 5 + [False]
    assert found.waits("b.example", REFUSED, times[-1])
    assert not found.waits("a.example", REFUSED, times[-1]), "two are not all"
    assert found.waits("c.example", REFUSED, times[-1])
    assert found.waits("a.example", REFUSED, times[-1]), "now it is our address wherever it comes"
    every = [times[-1] + RELAY_LISTED_ALONE_S * step for step in range(10)]
    assert all(found.waits(f"{each}.example", REFUSED, at) for at in every for each in "abc")
    assert not found.waits("c.example", REFUSED, times[-1] + RELAY_LISTED_S + 1.0), "it ends"


def test_queue_4_a_receiver_that_takes_mail_again_begins_anew():
    found = Obstacles(alone=True)
    assert found.waits("a.example", REFUSED, 0.0)
    found.taken("a.example")
    assert found.waits("a.example", REFUSED, RELAY_LISTED_S + 1.0)
    forgotten = RELAY_LISTED_S + RELAY_LISTED_KEPT_S + 2.0
    assert found.waits("b.example", REFUSED, forgotten)
    assert found.waits("a.example", REFUSED, forgotten + RELAY_LISTED_S), "it was quiet for too long to count"
