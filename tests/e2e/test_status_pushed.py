"""The status page taken to real places: an sshd of Debian, and an S3 store, both on loopback."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import obstore
import pytest

from e2e.programs import needs
from e2e.service import until
from free_ports import free_ports
from holdfast.care.status.places import S3Place, S3Settings, SftpPlace, sftp_settings
from holdfast.care.status.push import Place, PushedFile, PushPart
from holdfast.care.status.shelf import Shelf
from holdfast.care.turns import Seen
from holdfast.watch.incidents import Incidents
from holdfast.world import World, real_world

needs("sshd", "sftp", "ssh-keygen")
pytestmark = pytest.mark.slow
PAGES = {f"incident-{number}.en.html": b"<p>%d" % number for number in range(3)}
PAGES |= {"index.html": "<p>Störung".encode(), "summary.json": b"{}"}


@pytest.fixture(scope="module")
def world() -> World:
    return real_world(level="error")


class Sshd:
    """`sshd` in the foreground, for its user alone, with keys of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports(1)[0]
        self.process: subprocess.Popen[bytes] | None = None
        for name in ("host", "user"):
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(words, check=True)
        (folder / "authorized").write_bytes((folder / "user.pub").read_bytes())
        host = (folder / "host.pub").read_text().split()
        (folder / "known").write_text(f"[127.0.0.1]:{self.port} {host[0]} {host[1]}\n")
        (folder / "config").write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {folder}/host\nPidFile none\n"
            f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\n"
            "PasswordAuthentication no\nSubsystem sftp internal-sftp\n"
        )

    def start(self) -> None:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program is not None
        with (self.folder / "log").open("ab") as log:
            words = [program, "-D", "-e", "-f", str(self.folder / "config")]
            self.process = subprocess.Popen(words, stderr=log)
        until(lambda: b"Server listening" in (self.folder / "log").read_bytes(), 20)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=20)
            (self.folder / "log").unlink()

    def place(self, world: World, *, known: str = "known") -> SftpPlace:
        to = f"sftp://{os.environ.get('USER') or 'root'}@127.0.0.1:{self.port}{self.folder}/www/status"
        settings = sftp_settings(to, str(self.folder / "user"), str(self.folder / known))
        return SftpPlace(world, settings, str(self.folder / "scratch"))


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    found = Sshd(tmp_path)
    found.start()
    yield found
    found.stop()


class Taking:
    """One place, as the role `care` takes pages to it."""

    def __init__(self, world: World, folder: Path, place: Place) -> None:
        self.shelf = Shelf()
        file = PushedFile(world, str(folder / "pushed.json"))
        self.part = PushPart(world, "away", "away", place, self.shelf, file)

    async def take(self, files: dict[str, bytes]) -> None:
        self.shelf.put(files)
        await self.part.turn(Seen(Incidents(), None, 0.0))


def test_pages_arrive_by_sftp_are_replaced_whole_and_taken_away(
    world: World, sshd: Sshd, tmp_path: Path
) -> None:
    there = tmp_path / "www" / "status"

    async def main() -> None:
        taking = Taking(world, tmp_path, sshd.place(world))
        await taking.take(PAGES)
        assert {each.name: each.read_bytes() for each in there.iterdir()} == PAGES
        assert (there / "index.html").stat().st_mode & 0o777 == 0o644
        fewer = {**PAGES, "index.html": b"<p>well"}
        del fewer["incident-0.en.html"]
        await taking.take(fewer)
        assert {each.name: each.read_bytes() for each in there.iterdir()} == fewer
        (there / "incident-9.en.html").write_bytes(b"from before a restart")
        await Taking(world, tmp_path, sshd.place(world)).take(fewer)
        assert {each.name for each in there.iterdir()} == set(fewer)

    asyncio.run(main())
    assert not list((tmp_path / "scratch").iterdir())


def test_tenants_folders_arrive_by_sftp_and_what_was_there_before_is_taken_away(
    world: World, sshd: Sshd, tmp_path: Path
) -> None:
    there = tmp_path / "www" / "status"

    async def main() -> None:
        taking = Taking(world, tmp_path, sshd.place(world))
        taking.shelf.put_theirs({"acme/index.html": b"<p>Acme", "acme/incident-1.en.html": b"<p>1"})
        await taking.take(PAGES)
        assert (there / "acme" / "index.html").read_bytes() == b"<p>Acme"
        again = Taking(world, tmp_path, sshd.place(world))  # after a restart
        again.shelf.put_theirs({"acme/index.html": b"<p>well"})
        await again.take(PAGES)
        assert [each.name for each in (there / "acme").iterdir()] == ["index.html"]
        assert (there / "acme" / "index.html").read_bytes() == b"<p>well"

    asyncio.run(main())


def test_a_server_that_is_gone_or_strange_is_an_error_and_none_that_stays(
    world: World, sshd: Sshd, tmp_path: Path
) -> None:
    (tmp_path / "nobody").write_text("")

    async def main() -> None:
        with pytest.raises(OSError, match="Host key verification failed"):
            await sshd.place(world, known="nobody").put([("index.html", b"1")])
        place = sshd.place(world)
        await place.put([("index.html", b"1")])
        sshd.stop()
        with pytest.raises(OSError, match="sftp 127"):
            await place.put([("index.html", b"2")])
        sshd.start()
        await place.put([("index.html", b"3")])
        assert (tmp_path / "www" / "status" / "index.html").read_bytes() == b"3"

    asyncio.run(main())


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """Its URL; a bucket `status` whose pages anybody may read."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    urllib.request.urlopen(urllib.request.Request(f"{url}/status-pages", method="PUT"))
    yield url
    server.stop()


def settings(url: str, bucket: str = "status-pages") -> S3Settings:
    return S3Settings(bucket, "mail", "us-east-1", url, "HOLDFAST", lambda: "secret")


async def got(url: str, name: str) -> tuple[bytes, Mapping[Any, Any]]:
    answer = await obstore.get_async(S3Place(settings(url))._store, name)
    return bytes(await answer.bytes_async()), answer.attributes


def test_pages_arrive_in_an_s3_store_with_their_types_and_are_taken_away(
    world: World, store: str, tmp_path: Path
) -> None:
    async def main() -> None:
        taking = Taking(world, tmp_path, S3Place(settings(store)))
        await taking.take(PAGES)
        data, attributes = await got(store, "index.html")
        assert data == PAGES["index.html"]
        assert attributes["Content-Type"] == "text/html; charset=utf-8"
        assert attributes["Cache-Control"] == "max-age=10"
        await taking.take({"index.html": b"<p>well"})
        assert await S3Place(settings(store)).names() == ["index.html"]
        taking.shelf.put_theirs({"acme/index.html": b"<p>Acme", "acme/incident-1.en.html": b"<p>1"})
        await taking.take({"index.html": b"<p>well"})
        names = await S3Place(settings(store)).names()
        assert sorted(names) == ["acme/incident-1.en.html", "acme/index.html", "index.html"]
        await Taking(world, tmp_path, S3Place(settings(store))).take({"summary.json": b"{}"})
        assert (await got(store, "index.html"))[0] == b"<p>well"

    asyncio.run(main())


def test_a_store_that_is_gone_or_has_no_such_bucket_is_an_error(world: World, store: str) -> None:
    async def main() -> None:
        with pytest.raises(OSError, match="s3: "):
            await S3Place(settings(store, "no-such-bucket")).put([("index.html", b"1")])
        with pytest.raises(OSError, match="s3: "):
            await S3Place(settings(f"http://127.0.0.1:{free_ports(1)[0]}")).names()

    asyncio.run(main())
