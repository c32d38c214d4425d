from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.errors import Reason, Refused
from holdfast.run import describe, publishing
from holdfast.run.config import LIMIT_MEANINGS, SECTIONS, Config
from holdfast.run.reading import find, load, parse, split_address


def refused(text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(Refused) as caught:
        parse(text, "/etc/h/holdfast.toml", environ or {})
    assert caught.value.reason is Reason.BAD_SYNTAX
    return caught.value.text


def test_an_empty_file_is_a_whole_configuration():
    config = parse("", "/etc/h/holdfast.toml", {})
    assert config == Config()
    assert config.listen.imaps == [":993"]
    assert config.volume_folder("v1") == "/var/lib/holdfast/volumes/v1"
    assert config.control_socket == "/var/lib/holdfast/run/ctl.sock"


def test_every_unknown_key_is_named_with_its_place_and_the_nearest_known_one():
    text = refused('[listen]\nimap_ssl = []\n[volumes.a]\nfoldr = "x"\n[sevice]\nhostname = "a"\n')
    assert text.splitlines() == [
        "/etc/h/holdfast.toml: listen.imap_ssl: unknown key; did you mean 'imaps'?",
        "/etc/h/holdfast.toml: volumes.a.foldr: unknown key; did you mean 'folder'?",
        "/etc/h/holdfast.toml: sevice: unknown key; did you mean 'service'?",
    ]


def test_a_key_like_no_other_gets_the_list_of_known_ones():
    assert "known here: account_http, account_https" in refused("[listen]\nzzzzzz = 1\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[limits]\nrecipients = 'many'\n", "limits.recipients: Expected `int`"),
        ("[workers]\nimap = 100\n", "workers.imap: Expected `int` <= 64"),
        ("[relay]\npassword = 'hunter2'\n", "file:/path"),
        ("[relay]\nuser = 'me'\n", "relay.password: needed"),
        ("[relay]\nsmarthost = 'mail.example.org'\n", "relay.smarthost: 'mail.example.org' is not host:port"),
        ("[relay]\nsecond = 'a:25'\n", "relay.second: stands in for relay.smarthost"),
        ("[copies.a]\nfolder = '/c'\nvolume = 'v9'\n", "no volume 'v9'; there are: v1"),
        ("[copies.a]\nfolder = '/var/lib/holdfast/volumes/v1'\n", "another disk"),
        ("[copies.a]\nvolume = 'v1'\n", "copies[...]: Object missing required field `folder`"),
        ("[listen]\nimap = ['a:1']\nimaps = ['a:1']\n", "listen.imaps: a:1 is taken by listen.imap"),
        ("[listen]\nmx = ['::1:25']\n", "stands in brackets"),
        ("[listen\n", "not TOML"),
        ("[web]\ntrusted_proxies = ['proxy']\n", "'proxy' is neither an address nor a network"),
        ("[console]\nnetworks = ['desk']\n", "console.networks: 'desk' is neither an address nor a network"),
        ("[web]\ntime_zone = 'Europe/Bonn'\n", "web.time_zone: 'Europe/Bonn' is none"),
        ("[web]\naccount_url = 'konto.example.org'\n", "is not https://name"),
        ("[web]\nlanguage = 'fr'\n", "web.language"),
        ("[volumes]\n", "at least one"),
    ],
)
def test_a_mistake_names_its_place_and_what_to_do(text, says):
    assert says in refused(text)


def test_a_secret_written_into_the_file_is_not_repeated_in_the_error():
    assert "hunter2" not in refused("[relay]\npassword = 'hunter2'\n")


def test_relative_paths_start_at_the_files_own_folder(tmp_path):
    text = "[service]\ndata = 'd'\n[relay]\npassword = 'file:secret'\n[copies.b]\nfolder = '../b'\n"
    (tmp_path / "secret").write_text("s3cret\n")
    config = parse(text, str(tmp_path / "holdfast.toml"), {})
    assert config.data == str(tmp_path / "d")
    assert config.copies_of("v1", "trailing") == (str(tmp_path.parent / "b"),)
    assert config.copies_of("v1", "synchronous") == ()
    assert config.relay.password.read() == "s3cret"


def test_the_environment_overrides_the_file():
    environ = {
        "HOLDFAST_LIMITS__RECIPIENTS": "7",
        "HOLDFAST_SERVICE__HOSTNAME": "mail.example.org",
        "HOLDFAST_LISTEN__MX": '["127.0.0.1:2525"]',
        "HOLDFAST_VOLUMES__V1__PACK_BYTES": "1000000",
        "HOLDFAST_CONFIG": "/elsewhere",
        "OTHER__THING": "1",
    }
    config = parse("[limits]\nrecipients = 3\nmailboxes = 5\n", "/h.toml", environ)
    assert (config.limits.recipients, config.limits.mailboxes) == (7, 5)
    assert config.service.hostname == "mail.example.org"
    assert config.listen.mx == ["127.0.0.1:2525"]
    assert config.volumes["v1"].pack_bytes == 1000000


def test_an_unknown_key_in_the_environment_is_an_error_too():
    assert "environment: limits.recipents" in refused("", {"HOLDFAST_LIMITS__RECIPENTS": "3"})


def test_the_file_is_the_given_one_then_the_variable_then_the_default():
    assert find("/a", {"HOLDFAST_CONFIG": "/b"}) == "/a"
    assert find(None, {"HOLDFAST_CONFIG": "/b"}) == "/b"
    assert find(None, {}) == "/etc/holdfast/holdfast.toml"


def test_a_missing_file_says_how_to_get_one(tmp_path):
    with pytest.raises(Refused, match="holdfast init"):
        load(str(tmp_path / "none.toml"), {})


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("127.0.0.1:25", ("127.0.0.1", 25)),
        (":25", ("", 25)),
        ("[::1]:993", ("::1", 993)),
        ("a.b:0", ("a.b", 0)),
    ],
)
def test_addresses(text, pair):
    assert split_address(text) == pair


@pytest.mark.parametrize("text", ["", "25", "a:", "a:b", "a:70000", "::1:25"])
def test_what_is_no_address(text):
    with pytest.raises(Refused):
        split_address(text)


@settings(max_examples=30)
@given(
    st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3))
)
def test_a_value_of_any_other_kind_is_refused_and_never_crashes(value):
    line = f"[limits]\nrecipients = {describe.toml_value(value)}\n"
    try:
        tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return
    try:
        config = parse(line, "/h.toml", {})
    except Refused:
        assert not isinstance(value, int)
    else:
        assert config.limits.recipients == value


def test_every_key_has_a_meaning_and_a_kind():
    for key in describe.every_key():
        assert key.meaning.endswith("."), key
        assert key.kind
    assert {key.section.partition(".")[0] for key in describe.every_key()} == set(SECTIONS)
    assert {key.name for key in describe.every_key() if key.section == "limits"} == set(LIMIT_MEANINGS)


def test_the_template_is_a_configuration_equal_to_the_defaults():
    assert parse(describe.template(), "/h.toml", {}) == Config()


def test_the_templates_lines_are_keys_with_their_defaults():
    lines, named = [], False  # the administrator names the section: there is none without
    for line in describe.template().splitlines():
        name, is_key, value = line.removeprefix("# ").partition(" = ")
        if line.removeprefix("# ").startswith("["):
            named = "<name>" in line
        keep = not line.startswith("#") or (is_key and name.isidentifier() and value != "…")
        if keep and not named:
            lines.append(line.removeprefix("# "))
    assert parse("\n".join(lines), "/h.toml", {}) == Config()


def test_the_reference_page_is_what_the_code_says():
    page = Path(__file__).parents[3] / "docs" / "reference" / "configuration.md"
    assert page.read_text(encoding="utf-8") == describe.markdown(), "run `make docs`"


def test_a_tenants_pages_have_a_folder_that_can_be_one_and_are_named_once() -> None:
    text = '[brands.acme]\ntenant = 17\n[brands."../x"]\ntenant = 18\n[brands.post]\ntenant = 17\n'
    said = refused(text)
    assert "brands.../x" in said and "brands.post.tenant: 17 is brands.acme" in said
    config = parse('[brands.acme]\ntenant = 17\nurl = "https://s.acme.example"\n', "/holdfast.toml", {})
    assert publishing.tenants(config) == {17: ("acme", "https://s.acme.example/")}
