"""Client set-up without a service around it: what is told in doubt, and how profiles are signed."""

from __future__ import annotations

import plistlib
import subprocess
from pathlib import Path

import pytest
import trustme
from starlette.applications import Starlette
from starlette.testclient import TestClient

from holdfast.functions.setup import apple, thunderbird
from holdfast.functions.setup.answers import Answers, Settings
from holdfast.functions.setup.certificates.sni import ByName
from holdfast.functions.setup.servers import Security, Server, Servers
from holdfast.model.errors import Unavailable
from holdfast.world import real_world
from holdfast.world.tls_files import TlsFiles

SERVERS = Servers(
    (Server("imap", "mail.example.org", 993, Security.TLS),),
    (Server("smtp", "mail.example.org", 465, Security.TLS),),
)


def client(folder: Path, **changed: object) -> TestClient:
    settings = Settings(
        servers=SERVERS,
        domain_of=lambda name: name if name == "example.org" else None,
        title=lambda domain: "Post & <Söhne>\x00",
        url="https://mail.example.org",
        sts_policy="version: STSv1\r\n",
        acme=str(folder / "acme"),
        signing=(str(folder / "certificate.pem"), str(folder / "key.pem")),
    )._replace(**changed)
    return TestClient(Starlette(routes=list(Answers(real_world(), settings).routes())))


EVERY = [
    "/mail/config-v1.1.xml?emailaddress=a@example.org",
    "/autodiscover/autodiscover.json?Email=a@example.org&Protocol=AutodiscoverV1",
    "/setup/apple.mobileconfig?address=a@example.org",
]


@pytest.mark.parametrize("path", EVERY)
def test_setup_2_in_doubt_the_answer_is_later_and_not_never(tmp_path: Path, path: str):
    def doubt(name: str) -> str | None:
        raise Unavailable("people", "the copy is being built", 7)

    answer = client(tmp_path, domain_of=doubt).get(path)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")


@pytest.mark.parametrize("path", EVERY)
def test_what_is_no_address_is_refused_with_a_sentence(tmp_path: Path, path: str):
    answer = client(tmp_path).get(path.replace("a@example.org", "a@@"))
    assert answer.status_code == 400
    assert "a@@" in answer.text


def test_a_title_with_anything_in_it_makes_good_xml(tmp_path: Path):
    answer = client(tmp_path).get(EVERY[0])
    assert "Post &amp; &lt;Söhne&gt;" in answer.text
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"


def signing(folder: Path, vouches: trustme.CA) -> None:
    made = vouches.issue_cert("mail.example.org")
    made.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "certificate.pem").write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
    vouches.cert_pem.write_to_path(folder / "authority.pem")


@pytest.mark.parametrize("kind", list(trustme.KeyType))
def test_with_a_certificate_of_an_authority_apples_profile_is_signed(tmp_path: Path, kind: trustme.KeyType):
    signing(tmp_path, trustme.CA(key_type=kind))
    answer = client(tmp_path).get(EVERY[2])
    assert answer.headers["content-type"] == apple.MEDIA_TYPE
    (tmp_path / "profile").write_bytes(answer.content)
    done = subprocess.run(
        ["openssl", "cms", "-verify", "-inform", "DER", "-in", "profile", "-CAfile", "authority.pem",
         "-purpose", "any"],
        cwd=tmp_path,
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert plistlib.loads(done.stdout)["PayloadContent"][0]["EmailAddress"] == "a@example.org"


def test_where_nothing_is_offered_there_is_no_profile():
    assert apple.profile("a@example.org", "example.org", "", Servers((), SERVERS.outgoing)) is None
    assert b"incomingServer" not in thunderbird.config_xml("example.org", "", Servers((), ()), "")


def test_each_name_gets_its_certificate_and_the_newest(tmp_path: Path):
    """WORLD-19, and a name that leads out of the folder leads nowhere."""
    vouches = trustme.CA()
    signing(tmp_path, vouches)
    paths = {"mta-sts.example.org": (str(tmp_path / "certificate.pem"), str(tmp_path / "key.pem"))}
    chosen = ByName(real_world(), paths.get)
    context = chosen.context_for("mta-sts.example.org")
    assert context is not None
    assert chosen.context_for("mta-sts.example.org") is context
    assert chosen.context_for("mail.example.org") is None
    (tmp_path / "key.pem").unlink()
    assert chosen.context_for("mta-sts.example.org") is context


def test_world_19_a_new_pair_is_taken_up_and_a_wrong_one_is_not(tmp_path: Path):
    world = real_world()
    signing(tmp_path, trustme.CA())
    files = TlsFiles(world, str(tmp_path / "certificate.pem"), str(tmp_path / "key.pem"))
    assert not files.look()
    key = (tmp_path / "key.pem").read_bytes()
    signing(tmp_path, trustme.CA())
    (tmp_path / "key.pem").write_bytes(key)
    assert not files.look()
    signing(tmp_path, trustme.CA())
    assert files.look()
    assert not files.look()
    with pytest.raises(OSError):
        TlsFiles(world, str(tmp_path / "none.pem"), str(tmp_path / "key.pem"))
