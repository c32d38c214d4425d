"""The zip of everything: streamed, whole, readable by the standard library."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.functions.password.export import PIECE_BYTES, Entry, file_names, zip_stream

AT = (2026, 2, 3, 4, 5, 6)


def opened(pieces: Iterator[bytes]) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(pieces)))


@pytest.mark.slow
@given(
    st.dictionaries(st.text("abc/ü", min_size=1, max_size=8), st.lists(st.binary(max_size=200)), max_size=5)
)
def test_what_goes_in_comes_out(files):
    archive = opened(zip_stream([Entry(name, pieces) for name, pieces in files.items()], AT))
    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == {
        name: b"".join(pieces) for name, pieces in files.items()
    }


def test_the_first_bytes_are_sent_before_the_last_are_made():
    made = 0
    source = random.Random(1)

    def noise() -> Iterator[bytes]:
        nonlocal made
        for _ in range(100):
            made += 1
            yield source.randbytes(32_768)

    stream = zip_stream([Entry("mail/INBOX.mbox", noise())], AT)
    sizes = [len(next(stream))]
    assert made < 100
    sizes += [len(piece) for piece in stream]
    assert made == 100
    assert max(sizes) < 3 * PIECE_BYTES


def test_folders_that_differ_only_in_case_get_files_that_differ():
    names = file_names(["INBOX", "Inbox", "Projekte/Haus: Dach?", "../../etc", "a//b", "Ablage."])
    assert len({name.casefold() for name in names.values()}) == len(names)
    assert all(name.startswith("mail/") and ".." not in name and "//" not in name for name in names.values())
    assert names["INBOX"] == "mail/INBOX.mbox"
    assert names["Projekte/Haus: Dach?"] == "mail/Projekte/Haus_ Dach_.mbox"


@given(st.lists(st.text(min_size=1, max_size=20), unique=True))
def test_every_folder_gets_a_file_of_its_own(folders):
    names = file_names(folders)
    assert len({name.casefold() for name in names.values()}) == len(folders)
