"""What a subject is about. RFC 5256 §2.1"""

from __future__ import annotations

import time

import pytest

from holdfast.mime import base_subject, summary


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("Plans", "plans"),
        ("Re: Plans", "plans"),
        ("RE:Fwd: re[2]:  Plans ", "plans"),
        ("[list] Re: [other] Plans (fwd) (FWD)", "plans"),
        ("AW: WG: Antw: Sv: Plans", "plans"),
        ("[Fwd: Re: Plans]", "plans"),
        ("[fwd: [list] Plans (fwd)]", "plans"),
        ("Plans  for\tsummer", "plans for summer"),
        ("[only a list]", "[only a list]"),
        ("Re: [list]", "[list]"),
        ("Regards", "regards"),
        ("Re-opening: Plans", "re-opening: plans"),
        ("Re:", ""),
        ("", ""),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
    ],
)
def test_what_programs_put_around_a_subject_is_left_out(subject, base):
    assert base_subject(subject) == base


@pytest.mark.parametrize(
    "bad", ["[a]" * 100_000, "re:" * 100_000, "[fwd:" * 100_000, "[" * 300_000, "(fwd)" * 99_999]
)
def test_a_subject_made_to_take_long_does_not(bad):
    begun = time.process_time()
    base_subject(bad)
    assert time.process_time() - begun < 0.2


def test_ancestry_is_the_own_id_then_the_nearest_first_each_once():
    head = b"Message-ID: <own@x>\r\nIn-Reply-To: <parent@x>\r\n"
    head += b"References: <root@x> <own@x>\r\n <parent@x>\r\n\r\n"
    assert summary(head).ancestry == (b"own@x", b"parent@x", b"root@x")
    assert summary(b"Subject: x\r\n\r\n").ancestry == ()
    many = b"References: " + b" ".join(b"<%d@x>" % n for n in range(500)) + b"\r\n\r\n"
    assert summary(many).ancestry == tuple(b"%d@x" % n for n in range(499, 479, -1))
