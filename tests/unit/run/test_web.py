"""Keys of the service's own, and where its pages are said to be."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from holdfast.model.errors import Unavailable
from holdfast.run import keys, reading, web
from holdfast.run.config import Config


def config(tmp_path: Path, text: str = "") -> Config:
    where = f'[service]\ndata = "{tmp_path}"\nhostname = "mail.example.org"\n'
    return reading.parse(where + text, str(tmp_path / "holdfast.toml"), {})


def test_a_key_is_made_once_for_the_service_alone(tmp_path: Path):
    here = config(tmp_path)
    key = keys.key_of(here, "pages")
    assert len(key) == 32 and keys.key_of(here, "pages") == key
    assert keys.key_of(here, "other") != key
    assert (tmp_path / "keys" / "pages.key").stat().st_mode & 0o777 == 0o600
    assert sorted(os.listdir(tmp_path / "keys")) == ["other.key", "pages.key"]


def test_all_who_make_a_key_at_once_get_the_same(tmp_path: Path):
    here, found = config(tmp_path), []
    begin = threading.Barrier(8)

    def work() -> None:
        begin.wait()
        found.append(keys.key_of(here, "pages"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 8 and len(set(found)) == 1


def test_a_key_that_was_cut_short_is_not_used(tmp_path: Path):
    here = config(tmp_path)
    keys.key_of(here, "pages")
    (tmp_path / "keys" / "pages.key").write_bytes(b"short")
    with pytest.raises(Unavailable) as caught:
        keys.key_of(here, "pages")
    assert caught.value.component == "keys" and "delete it" in caught.value.text


@pytest.mark.parametrize(
    ("text", "role", "url"),
    [
        ("", "password", "https://mail.example.org:8443"),
        ("", "signup", "https://mail.example.org:8444"),
        ("", "setup", "https://mail.example.org"),
        ('[web]\naccount_url = "https://konto.example.org/"\n', "password", "https://konto.example.org"),
        ('[listen]\nsignup_https = ["127.0.0.1:443"]\n', "signup", "https://mail.example.org"),
        ("[listen]\nadmin_https = []\n", "admin", ""),
    ],
)
def test_pages_are_where_the_configuration_says_or_at_their_door(
    tmp_path: Path, text: str, role: str, url: str
):
    assert web.url_of(config(tmp_path, text), role) == url
