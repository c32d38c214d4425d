"""The process of a vantage point, over real sockets: its file, its page, and certificates as served."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from free_ports import free_ports
from holdfast.model.errors import Refused
from holdfast.model.findings import Finding
from holdfast.run import certificate, lookout, mapping
from holdfast.run.asking_vantages import Vantages
from holdfast.run.config import Config
from holdfast.run.reading import parse
from holdfast.watch.depends import DependencyMap
from holdfast.world import Session, real_world, run
from holdfast.world.tls import server_context
from name_server import NameServer

HOST = "mail.example.org"
KEY = "k" * 43


class Pop3(Session):
    def connected(self) -> None:
        self.connection.write(b"+OK ready\r\n")

    def received(self, data: bytes) -> None:
        self.connection.write(b"+OK\r\n.\r\n")


def own_file(folder: Path, doors: str, **more: str) -> str:
    (folder / "key").write_text(KEY + "\n")
    lines = ['name = "east"', 'key = "file:key"', *(f"{key} = {value}" for key, value in more.items())]
    path = folder / "vantage.toml"
    path.write_text("\n".join([*lines, "[doors]", doors]) + "\n")
    return str(path)


def service(folder: Path, url: str, pop3s: int) -> Config:
    text = f"""
    [service]
    hostname = "{HOST}"
    data = "data"
    [listen]
    pop3s = ["127.0.0.1:{pop3s}"]
    [vantages.east]
    url = "{url}"
    key = "file:key"
    doors = ["pop3s"]
    """
    return parse(text, str(folder / "holdfast.toml"), {})


async def seen(config: Config) -> list[Finding]:
    """The first word of the door, and of the vantage point itself, unless that isn't believed."""
    vantages = Vantages(real_world(level="error"), config)
    try:
        [(_, asker)] = vantages.askers(mapping.dependency_map(config))
        for _ in range(100):
            found = await asker.look()
            if found[0].state != "unknown" or found[-1].state == "fails":
                return found
            await asyncio.sleep(0.05)
        return found
    finally:
        await vantages.close()


@pytest.mark.slow
@pytest.mark.parametrize("trusts", [True, False])
def test_vantage_2_it_tries_our_door_by_its_name_and_believes_the_certificate_that_a_stranger_would(
    tmp_path: Path, trusts: bool
) -> None:
    port, pop3s = free_ports(2)
    paths = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    certificate.make(*paths, [HOST], real_world(level="error").clock.now())

    async def main() -> None:
        world = real_world(level="error")
        await world.net.listen(Pop3, ("127.0.0.1", pop3s), server_context(*paths))
        with NameServer({(HOST, "A"): ["127.0.0.1"]}) as names:
            more = {"listen": f'"127.0.0.1:{port}"', "resolvers": f'["127.0.0.1:{names.port}"]'}
            more |= {"authority": f'"{paths[0]}"'} if trusts else {}
            settings = lookout.load(own_file(tmp_path, f'pop3s = "{HOST}:{pop3s}"', **more))
            ready = asyncio.Event()
            running = asyncio.ensure_future(lookout.run(world, settings, ready.set))
            await ready.wait()
            door, own = await seen(service(tmp_path, f"http://127.0.0.1:{port}", pop3s))
            (tmp_path / "key").write_text("another" * 8)
            _, strange = await seen(service(tmp_path, f"http://127.0.0.1:{port}", pop3s))
            os.kill(os.getpid(), signal.SIGTERM)
            await running
        assert (door.trial, own.state) == ("pop3/pop3s@east", "works")
        assert (door.state, door.step) == (("works", "") if trusts else ("fails", "certificate"))
        assert (strange.trial, strange.state) == ("vantage/east", "fails")

    run(main())


def test_vantage_4_a_map_made_anew_counts_no_try_again(tmp_path: Path) -> None:
    config = service(tmp_path, "http://127.0.0.1:1", 995)
    vantages = Vantages(real_world(level="error"), config)
    first, second = (
        dict(vantages.askers(mapping.dependency_map(config, cells=cells))) for cells in ((), (1,))
    )
    assert first["east"] is second["east"]
    [(_, other)] = vantages.askers(DependencyMap(()))
    assert other is not first["east"]


def test_the_file_of_a_vantage_point_is_made_from_the_configuration(tmp_path: Path) -> None:
    config = service(tmp_path, "http://east.example.net:9465", 995)
    every = parse(
        f'[service]\nhostname = "{HOST}"\n[vantages.west]\nurl = "http://w:1"\nkey = "file:key"',
        str(tmp_path / "holdfast.toml"),
        {},
    )
    text = lookout.describe(config, "east", "")
    assert f'pop3s = "{HOST}:995"' in text and "imaps" not in text and 'listen = ":9465"' in text
    path = tmp_path / "west.toml"
    path.write_text(lookout.describe(every, "west", "canary-1@example.org"))
    places = lookout.places(lookout.load(str(path)))
    assert {each.partition("/")[0] for each in places} == {
        *("mx", "submission", "imap", "pop3", "jmap", "webmail", "password", "signup")
    }
    assert places["mx/mx"].domain == "example.org" and places["mx/mx"].target.account is not None
    tried = {
        each.id.partition("@")[0] for each in mapping.dependency_map(every).trials.values() if "@" in each.id
    }
    assert tried == places.keys()
    with pytest.raises(Refused, match="there are: west"):
        lookout.describe(every, "east", "")


@pytest.mark.parametrize(
    ("doors", "more", "said"),
    [
        ('mx = "mail.example.org:25"', {}, "recipient"),
        ('imaps = "127.0.0.1:993"', {}, "a name"),
        ('imaps = "https://mail.example.org"', {}, "a page has a URL"),
        ('signup_https = "mail.example.org:443"', {}, "a page has a URL"),
        ('gopher = "mail.example.org:70"', {}, "no door"),
        ("", {}, "doors"),
        ('imaps = "mail.example.org:993"', {"listen": '"here"'}, "host:port"),
        ('imaps = "mail.example.org:993"', {"password": '"x"'}, "password"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_a_sentence(
    tmp_path: Path, doors: str, more: dict[str, str], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        lookout.load(own_file(tmp_path, doors, **more))


def test_a_key_that_could_be_guessed_is_none(tmp_path: Path) -> None:
    settings = lookout.load(own_file(tmp_path, 'imaps = "mail.example.org:993"'))
    (tmp_path / "key").write_text("secret")
    with pytest.raises(Refused, match="shorter than 32"):
        run(lookout.run(real_world(level="error"), settings))


def test_one_that_cannot_try_any_more_ends_and_does_not_go_on_telling_what_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: object, door: str) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("holdfast.watch.vantage.lookout.Lookout._watch", broken)
    own = own_file(tmp_path, 'imaps = "mail.example.org:993"', listen=f'"127.0.0.1:{free_ports(1)[0]}"')
    with pytest.raises(ExceptionGroup):
        run(lookout.run(real_world(level="error"), lookout.load(own)))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('url = "east:9465"', "no http or https"),
        ('doors = ["imap4"]', "is no door"),
        ('doors = ["jmap_http"]', "turned off"),
        ('key = ""', "needed"),
    ],
)
def test_a_vantage_point_that_cannot_be_meant_is_a_mistake_of_the_configuration(line: str, said: str) -> None:
    given = {"url": 'url = "http://east"', "key": 'key = "file:/k"'} | {line.partition(" ")[0]: line}
    with pytest.raises(Refused, match=said):
        parse("\n".join(["[vantages.east]", *given.values()]), "/etc/holdfast.toml", {})
