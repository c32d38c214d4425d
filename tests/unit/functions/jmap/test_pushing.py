"""Push subscriptions: proven, encrypted, sent to a real server, ended in time. RFC 8620 §7.2"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from free_ports import free_ports
from holdfast.functions.jmap.push_methods import KIND
from holdfast.functions.jmap.webpush import Subscriber, Vapid, encrypted
from holdfast.model.errors import Refused
from holdfast.world import real_world
from holdfast.world.http import Door, HttpClient, Message, Receive, Scope, Send, serve_http_doors
from holdfast.world.net import bind
from unit.functions.jmap.rig import ADA, Rig, message, rig, run


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def data(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def private(scalar: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(data(scalar), "big"), ec.SECP256R1())


def public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


# RFC 8291 §5 and appendix A
PLAIN = data("V2hlbiBJIGdyb3cgdXAsIEkgd2FudCB0byBiZSBhIHdhdGVybWVsb24")
AS_PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
UA_PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
UA_PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
AUTH, SALT = "BTBZMqHH6r4Tts7J_aSIgg", "DGv6ra1nlYgDCS1FRnbzlw"
SEALED = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
    "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_encryption_is_that_of_the_rfcs_example() -> None:
    subscriber = Subscriber.read(UA_PUBLIC, AUTH)
    assert text(encrypted(subscriber, PLAIN, data(SALT), private(AS_PRIVATE))) == SEALED
    assert opened(private(UA_PRIVATE), data(AUTH), data(SEALED)) == PLAIN


def opened(key: ec.EllipticCurvePrivateKey, auth: bytes, body: bytes) -> bytes:
    """RFC 8291 §3, RFC 8188 §2, from the other end and by itself."""

    def extract_and_expand(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
        prk = hmac.digest(salt, secret, "sha256")
        return hmac.digest(prk, info + b"\x01", "sha256")[:length]

    salt, size, rest = body[:16], int.from_bytes(body[16:20], "big"), body[21:]
    theirs, record = rest[: body[20]], rest[body[20] :]
    assert len(record) <= size
    peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs)
    ikm = extract_and_expand(
        auth, key.exchange(ec.ECDH(), peer), b"WebPush: info\x00" + public(key) + theirs, 32
    )
    content_key = extract_and_expand(salt, ikm, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = extract_and_expand(salt, ikm, b"Content-Encoding: nonce\x00", 12)
    padded = AESGCM(content_key).decrypt(nonce, record, None)
    plain, mark = padded.rstrip(b"\x00")[:-1], padded.rstrip(b"\x00")[-1:]
    assert mark == b"\x02"
    return plain


def test_what_are_no_keys_is_refused() -> None:
    for p256dh, auth in ((UA_PUBLIC, "AAAA"), ("AAAA", AUTH), ("ä", AUTH), (text(b"\x04" + b"1" * 64), AUTH)):
        with pytest.raises(Refused):
            Subscriber.read(p256dh, auth)


def test_a_push_service_can_check_who_we_are() -> None:
    vapid = Vapid(b"s" * 32, "mailto:postmaster@example.org")
    assert Vapid(b"s" * 32, "").public == vapid.public != Vapid(b"t" * 32, "").public
    assert check_vapid(vapid.authorization("https://push.example:8443/x/y", 1000.0), vapid.public) == {
        "aud": "https://push.example:8443",
        "exp": 1000 + 12 * 3600,
        "sub": "mailto:postmaster@example.org",
    }


def check_vapid(field: str, key: str) -> Any:
    scheme, _, rest = field.partition(" ")
    found = dict(each.strip().partition("=")[::2] for each in rest.split(","))
    assert scheme == "vapid" and found["k"] == key
    signed, _, signature = found["t"].rpartition(".")
    raw = data(signature)
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data(key))
    point.verify(der, signed.encode(), ec.ECDSA(SHA256()))
    head, _, claims = signed.partition(".")
    assert json.loads(data(head)) == {"typ": "JWT", "alg": "ES256"}
    return json.loads(data(claims))


# To a real server


class Pushed(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Service:
    """A push service on this machine. ``status``: what it answers from now on."""

    def __init__(self) -> None:
        self.pushed: asyncio.Queue[Pushed] = asyncio.Queue()
        self.status = 201
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = b"a" * 16

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        more = True
        while more:
            piece: Message = await receive()
            body += piece.get("body", b"")
            more = piece.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        self.pushed.put_nowait(Pushed(scope["path"], headers, body))

    async def next(self) -> Any:
        """The next message, opened as its subscriber does."""
        async with asyncio.timeout(15):
            pushed = await self.pushed.get()
        if "content-encoding" not in pushed.headers:
            return json.loads(pushed.body)
        assert pushed.headers["content-encoding"] == "aes128gcm"
        return json.loads(opened(self.key, self.auth, pushed.body))

    @property
    def keys(self) -> dict[str, str]:
        return {"p256dh": text(public(self.key)), "auth": text(self.auth)}


@asynccontextmanager
async def pushing(folder: Path) -> AsyncIterator[tuple[Rig, Service, str]]:
    """A rig whose first worker sends, and a push service with its URL."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    service, (port,), stop, ready = Service(), free_ports(1), asyncio.Event(), asyncio.Event()
    world = real_world(level="error")
    door = Door([bind(("127.0.0.1", port))], context)
    serving = asyncio.ensure_future(serve_http_doors(world, service.app, [door], stop=stop, ready=ready.set))
    await ready.wait()
    client = HttpClient(world, authority_path=str(folder / "authority.pem"))
    async with rig(folder / "rig", push_client=client) as r:
        running = asyncio.ensure_future(r.pushes.run())
        try:
            yield r, service, f"https://localhost:{port}/p/1"
        finally:
            running.cancel()
            await asyncio.wait([running])
    stop.set()
    await serving
    await client.close()


async def subscribed(r: Rig, service: Service, url: str, **other: object) -> str:
    """A subscription that was proven; its id."""
    wish = {"deviceClientId": "d1", "url": url, "keys": service.keys, "types": None} | other
    made = await r.call("PushSubscription/set", {"create": {"n": wish}})
    id = made["created"]["n"]["id"]
    proof = await service.next()
    assert (proof["@type"], proof["pushSubscriptionId"]) == ("PushVerification", id)
    patch = {"verificationCode": proof["verificationCode"]}
    done = await r.call("PushSubscription/set", {"update": {id: patch}})
    assert id in done["updated"]
    return str(id)


@pytest.mark.slow
def test_a_proven_subscriber_is_told_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    async def body() -> None:
        async with pushing(tmp_path) as (r, service, url):
            id = await subscribed(r, service, url, types=["Email"])
            await r.deliver(message(1))
            change = await service.next()
            assert change["@type"] == "StateChange" and change["changed"][r.name_of()].keys() == {"Email"}
            (kept,) = (await r.call("PushSubscription/get"))["list"]
            assert kept["id"] == id and kept["verificationCode"] and "url" not in kept and "keys" not in kept
            await r.deliver(message(2), "ben@example.org")
            await r.call("PushSubscription/set", {"destroy": [id]})
            assert (await r.call("PushSubscription/get"))["list"] == []
            await r.deliver(message(3))
            await r.store.commit([])
            assert service.pushed.empty()

    run(body())


@pytest.mark.slow
def test_nothing_is_told_before_the_proof_and_not_by_a_wrong_one(tmp_path: Path) -> None:
    async def body() -> None:
        async with pushing(tmp_path) as (r, service, url):
            wish = {"deviceClientId": "d1", "url": url, "keys": service.keys}
            made = await r.call("PushSubscription/set", {"create": {"n": wish}})
            id = made["created"]["n"]["id"]
            assert made["created"]["n"]["expires"].endswith("Z")
            await service.next()
            wrong = await r.call("PushSubscription/set", {"update": {id: {"verificationCode": "x"}}})
            assert wrong["notUpdated"][id]["type"] == "invalidProperties"
            moved = await r.call("PushSubscription/set", {"update": {id: {"url": "https://x.example/"}}})
            assert moved["notUpdated"][id]["type"] == "invalidProperties"
            await r.deliver(message(1))
            await r.deliver(message(2))
            assert service.pushed.empty()
            for refused in (
                {"url": "http://plain.example/"},
                {"keys": {"p256dh": "AAAA", "auth": "AAAA"}},
                {"verificationCode": "x"},
                {"deviceClientId": ""},
            ):
                answer = await r.call("PushSubscription/set", {"create": {"n": wish | refused}})
                assert answer["notCreated"]["n"]["type"] == "invalidProperties", refused

    run(body())


@pytest.mark.slow
def test_a_service_that_is_gone_for_a_while_is_told_all_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.functions.jmap.pushes.JMAP_PUSH_RETRY_FIRST_S", 0.05)

    async def body() -> None:
        async with pushing(tmp_path) as (r, service, url):
            await subscribed(r, service, url, keys=None)
            service.status = 503
            monkeypatch.setattr("holdfast.world.http._retry_after", lambda headers: 0.05)
            await r.deliver(message(1))
            await service.next()
            service.status = 201
            again = await service.next()
            assert again["changed"][r.name_of()].keys() >= {"Email", "Mailbox"}

    run(body())


@pytest.mark.slow
def test_a_subscription_ends_there_with_time_and_with_a_sign_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.functions.jmap.pushes.JMAP_PUSH_LOOK_S", 0.05)

    async def gone(r: Rig) -> None:
        account = r.account()
        async with asyncio.timeout(15):
            while r.store.account(account.id, account.cell).objects(KIND):
                await asyncio.sleep(0.005)

    async def body() -> None:
        async with pushing(tmp_path) as (r, service, url):
            await subscribed(r, service, url)
            service.status = 410
            await r.deliver(message(1))
            await gone(r)
            service.status = 201
            while not service.pushed.empty():
                service.pushed.get_nowait()
            id = await subscribed(r, service, url)
            past = {"expires": "2012-08-15T12:00:00Z"}
            await r.call("PushSubscription/set", {"update": {id: past}})
            await gone(r)
            await subscribed(r, service, url)
            await r.people_writer.sign_out(r.account(ADA).id)
            await r.people.written(5)
            await r.deliver(message(2))
            await gone(r)

    run(body())


def test_addresses_in_our_own_networks_are_not_asked() -> None:
    async def body() -> None:
        client = HttpClient(real_world(level="error"), public_only=True)
        for url in ("https://127.0.0.1:1/", "https://[::1]:1/", "https://10.1.2.3/", "https://localhost/"):
            with pytest.raises(Refused):
                await client.ask("POST", url, component="push")
        await client.close()

    run(body())
