from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.cli.mailfiles import (
    Bad,
    Found,
    maildir_count,
    maildir_folders,
    read_maildir,
    read_mbox,
    with_crlf,
)
from holdfast.model.errors import Refused
from holdfast.model.mail import Flag


def make_maildir(root: Path) -> Path:
    for kind in ("cur", "new", "tmp"):
        (root / kind).mkdir(parents=True)
    return root


def put(folder: Path, name: str, text: bytes = b"Subject: x\n\nhello\n", at: float = 1_000_000.0) -> None:
    (folder / name).write_bytes(text)
    os.utime(folder / name, (at, at))


def test_flags_keywords_and_dates_come_along(tmp_path):
    root = make_maildir(tmp_path / "m")
    (root / "dovecot-keywords").write_text("0 $Forwarded\n1 later\n")
    put(root / "cur", "2.x.host:2,FSb", at=1_234_567.0)
    put(root / "new", "1.y.host")
    first, second = read_maildir(root)
    assert isinstance(first, Found) and isinstance(second, Found)
    assert (first.flags, first.keywords, first.date) == (0, (), 1_000_000.0)
    assert (second.flags, second.keywords, second.date) == (Flag.SEEN | Flag.FLAGGED, ("later",), 1_234_567.0)
    assert first.message == b"Subject: x\r\n\r\nhello\r\n"
    assert {first.mailbox, second.mailbox} == {"INBOX"}
    assert maildir_count(root) == 2


def test_folders_in_either_form_become_levels_and_names_are_decoded(tmp_path):
    root = make_maildir(tmp_path / "m")
    for name in (".Lists.Work", ".Entw&APw-rfe", "plain/inner", ".bro&ken"):
        make_maildir(root / name)
    assert sorted(name for name, _ in maildir_folders(root)) == [
        "Entwürfe",
        "INBOX",
        "Lists/Work",
        "bro&ken",
        "plain/inner",
    ]


def test_what_is_no_maildir_says_so(tmp_path):
    with pytest.raises(Refused, match="no folder 'cur'"):
        maildir_folders(tmp_path)


def test_an_unreadable_message_is_named_and_the_others_come(tmp_path):
    root = make_maildir(tmp_path / "m")
    (root / "cur" / "1.gone").symlink_to(tmp_path / "nowhere")
    put(root / "cur", "2.here")
    bad, found = read_maildir(root)
    assert isinstance(bad, Bad) and "1.gone" in bad.place
    assert isinstance(found, Found)


MBOX = b"""From a@example.org Tue Jan  2 03:04:05 2024
Subject: one
Status: RO
X-Status: AF
X-Keywords: later $Forwarded

>From the start
>>From deeper
not From here

From b@example.org Tue Jan  2 03:04:06 2024
Subject: two

no blank line before this
From is no separator then
"""


def test_an_mbox_is_cut_at_from_lines_after_a_blank_one_and_quoting_is_undone(tmp_path):
    (tmp_path / "x").write_bytes(MBOX)
    one, two = read_mbox(tmp_path / "x", "Archive")
    assert isinstance(one, Found) and isinstance(two, Found)
    assert one.message.endswith(b"\r\n\r\nFrom the start\r\n>From deeper\r\nnot From here\r\n")
    assert one.flags == Flag.SEEN | Flag.ANSWERED | Flag.FLAGGED
    assert one.keywords == ("later", "$Forwarded")
    assert one.date == 1_704_164_645.0
    assert two.message.endswith(b"\r\nFrom is no separator then\r\n")
    assert (two.flags, two.mailbox) == (0, "Archive")


def test_what_is_no_mbox_says_so_and_an_empty_file_is_an_empty_mbox(tmp_path):
    (tmp_path / "x").write_bytes(b"Subject: x\n\n")
    with pytest.raises(Refused, match="does not begin with 'From '"):
        list(read_mbox(tmp_path / "x", "INBOX"))
    (tmp_path / "x").write_bytes(b"")
    assert list(read_mbox(tmp_path / "x", "INBOX")) == []


@pytest.mark.parametrize(
    ("raw", "made"),
    [
        (b"a\nb\n", b"a\r\nb\r\n"),
        (b"a\r\nb\r\n", b"a\r\nb\r\n"),
        (b"a\r\nb\n", b"a\r\nb\r\n"),
        (b"a\rb", b"a\rb"),
    ],
)
def test_lines_end_in_crlf_once(raw, made):
    assert with_crlf(raw) == made


@given(st.binary(max_size=200))
def test_lines_once_made_stay_as_they_are(raw):
    assert with_crlf(with_crlf(raw)) == with_crlf(raw)


MESSAGES = st.lists(
    st.lists(
        st.sampled_from([b"From a\n", b">From b\n", b"text\n", b"\n", b"Subject: s\n"]),
        min_size=1,
        max_size=6,
    ).map(b"".join),
    max_size=4,
)


@given(MESSAGES)
def test_what_an_mboxrd_writer_wrote_comes_out_again(tmp_path_factory, messages):
    import re

    path = tmp_path_factory.mktemp("mbox") / "x"
    quoted = [re.sub(rb"^(>*From )", rb">\1", message, flags=re.M) for message in messages]
    path.write_bytes(b"".join(b"From x Thu Jan  1 00:00:00 1970\n" + message + b"\n" for message in quoted))
    found = [each.message for each in read_mbox(path, "INBOX") if isinstance(each, Found)]
    assert found == [with_crlf(message) for message in messages]
