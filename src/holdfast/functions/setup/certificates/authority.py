"""A certificate authority over ACME. RFC 8555; the domains are proven by http-01 (§8.3).

The library blocks, so all of it runs in one thread of its own. Challenges are files: whichever process
serves port 80 finds them, also when a command asks for the certificate.
"""

from __future__ import annotations

import datetime
import os.path
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from holdfast.functions.setup.certificates.files import COMPONENT, Facts, new_key
from holdfast.model.errors import Unavailable
from holdfast.model.limits import ACME_INFO_S, ACME_ORDER_S, ACME_REQUEST_S
from holdfast.world import World

if TYPE_CHECKING:
    from acme.client import ClientV2
    from acme.messages import AuthorizationResource, OrderResource
    from josepy.jwk import JWKEC

TOKEN = re.compile(r"[A-Za-z0-9_-]{1,200}\Z")  # RFC 8555 §8.3: base64url


class Settings(NamedTuple):
    """``directory``: the authority's URL. ``contact``: an address, '' for none. ``trust``: a PEM file of who
    vouches for the authority's own server, '' for the system's. ``key_id``, ``key_secret``: of a contract
    with it (RFC 8555 §7.3.4), '' for none. ``folder``: for the account and the challenges.
    """

    directory: str
    contact: str
    trust: str
    key_id: str
    key_secret: str
    folder: str


class AuthorityAccount(msgspec.Struct):
    """Kept beside the account's key. ``issuers``: how CAA records name the authority (RFC 8659)."""

    directory: str
    uri: str
    issuers: tuple[str, ...] = ()


class Suggestion(NamedTuple):
    """When the authority would have a certificate renewed (RFC 9773 §4.2); UTC seconds."""

    start: float
    end: float
    ask_at: float


def challenge_folder(folder: str) -> str:
    return os.path.join(folder, "challenges")


def known_account(world: World, folder: str) -> AuthorityAccount | None:
    """Our account at the authority, None before the first certificate."""
    try:
        return msgspec.json.decode(world.disk.read(_account_path(folder)), type=AuthorityAccount)
    except (OSError, msgspec.DecodeError):
        return None


def _account_path(folder: str) -> str:
    return os.path.join(folder, "account.json")


class Authority:
    """Raises ``Unavailable("acme")`` for whatever goes wrong: it may be right another time."""

    def __init__(self, world: World, settings: Settings) -> None:
        self._world = world
        self._settings = settings
        self._thread = world.thread("acme")
        self._client: ClientV2 | None = None

    async def issue(self, names: Sequence[str], key: bytes) -> bytes:
        """A certificate with its chain, PEM. ``key``: its private key, PEM; it stays here."""
        return await self._thread.run(self._issue, tuple(names), key)

    async def suggestion(self, facts: Facts) -> Suggestion | None:
        """None where the authority doesn't say."""
        return await self._thread.run(self._suggestion, facts)

    def close(self) -> None:
        self._thread.close()

    # In the thread

    def _issue(self, names: tuple[str, ...], key: bytes) -> bytes:
        from acme import crypto_util

        self._clear_challenges()
        deadline = datetime.datetime.fromtimestamp(self._world.clock.now() + ACME_ORDER_S)
        with _explained():
            client = self._client = self._client or self._connected()
            order = client.new_order(crypto_util.make_csr(key, list(names)))
            written: list[str] = []
            try:
                for authorization in order.authorizations:
                    written += self._answer(client, authorization)
                order = client.poll_authorizations(order, deadline)
                done: OrderResource = client.finalize_order(order, deadline)
            except BaseException:
                self._client = None  # the next time all is asked anew
                raise
            finally:
                for path in written:
                    self._world.disk.remove(path)
            return str(done.fullchain_pem).encode()

    def _clear_challenges(self) -> None:
        """What a process that was killed has left there; one order is on its way at a time."""
        folder = challenge_folder(self._settings.folder)
        if self._world.disk.exists(folder):
            for name in self._world.disk.list(folder):
                self._world.disk.remove(os.path.join(folder, name))

    def _answer(self, client: ClientV2, authorization: AuthorizationResource) -> list[str]:
        """Lays the proof for one name where port 80 serves it, and says that it is there."""
        from acme import challenges, messages

        if authorization.body.status == messages.STATUS_VALID:
            return []
        for challenge in authorization.body.challenges:
            if isinstance(challenge.chall, challenges.HTTP01):
                break
        else:
            raise Unavailable(COMPONENT, "the authority offers no proof over http-01 for this name")
        key = client.net.key
        assert key is not None
        response, proof = challenge.chall.response_and_validation(key)
        token = challenge.chall.encode("token")
        if not TOKEN.match(token):
            raise Unavailable(COMPONENT, "the authority's token is not one")
        folder = challenge_folder(self._settings.folder)
        self._world.disk.make_folder(folder)
        path = os.path.join(folder, token)
        self._world.disk.write_atomic(path, proof.encode())
        client.answer_challenge(challenge, response)
        return [path]

    def _connected(self) -> ClientV2:
        """With our account: the same key finds the same account again (RFC 8555 §7.3.1)."""
        from acme import client, errors, messages
        from josepy.jwa import ES256

        settings, key = self._settings, self._account_key()
        net = client.ClientNetwork(
            key,
            alg=ES256,
            verify_ssl=settings.trust or True,  # type: ignore[arg-type]  # requests takes a path as well
            user_agent="holdfast",
            timeout=int(ACME_REQUEST_S),
        )
        directory = client.ClientV2.get_directory(settings.directory, net)
        made = client.ClientV2(directory, net)
        binding = None
        if settings.key_id:
            binding = messages.ExternalAccountBinding.from_data(
                key.public_key(), settings.key_id, settings.key_secret, directory
            )
        wanted = messages.NewRegistration.from_data(
            email=settings.contact or None, terms_of_service_agreed=True, external_account_binding=binding
        )
        try:
            uri = str(made.new_account(wanted).uri)
        except errors.ConflictError as there:
            uri = str(there.location)
            net.account = messages.RegistrationResource(body=messages.Registration(), uri=uri)
        issuers = tuple(getattr(directory.meta, "caa_identities", None) or ())
        account = AuthorityAccount(settings.directory, uri, issuers)
        self._world.disk.write_atomic(_account_path(settings.folder), msgspec.json.encode(account))
        return made

    def _account_key(self) -> JWKEC:
        from cryptography.hazmat.primitives import serialization
        from josepy.jwk import JWKEC

        path = os.path.join(self._settings.folder, "account.pem")
        if not self._world.disk.exists(path):
            self._world.disk.make_folder(self._settings.folder)
            self._world.disk.write_atomic(path, new_key())
        private = serialization.load_pem_private_key(self._world.disk.read(path), None)
        return JWKEC(key=private)

    def _suggestion(self, facts: Facts) -> Suggestion | None:
        from acme import messages

        with _explained():
            client = self._client = self._client or self._connected()
            try:
                address = client.directory["renewalInfo"]
            except KeyError:
                return None
            if not facts.info_id:
                return None
            answer = client.net.get(f"{address}/{facts.info_id}", content_type="application/json")
            window = messages.RenewalInfo.from_json(answer.json()).suggested_window
            again = client.retry_after(answer, int(ACME_INFO_S)).timestamp()
            return Suggestion(window.start.timestamp(), window.end.timestamp(), again)


@contextmanager
def _explained() -> Iterator[None]:
    """Whatever the libraries raise, as ``Unavailable`` with the authority's own words."""
    import josepy
    import requests
    from acme import errors, messages

    try:
        yield
    except errors.ValidationError as error:
        raise Unavailable(COMPONENT, "; ".join(_proof_errors(error)) or "a proof failed") from error
    except errors.IssuanceError as error:
        raise Unavailable(COMPONENT, _said(error.error)) from error
    except errors.TimeoutError as error:
        raise Unavailable(COMPONENT, "the authority didn't come to an end in time") from error
    except messages.Error as error:
        raise Unavailable(COMPONENT, _said(error)) from error
    except (errors.Error, josepy.errors.Error, requests.RequestException, OSError, ValueError) as error:
        raise Unavailable(COMPONENT, f"{type(error).__name__}: {error}") from error


def _proof_errors(error: object) -> Iterator[str]:
    for authorization in getattr(error, "failed_authzrs", ()):
        name = authorization.body.identifier.value
        for challenge in authorization.body.challenges:
            if challenge.error is not None:
                yield f"{name}: {_said(challenge.error)}"


def _said(error: object) -> str:
    """``rateLimited: too many certificates …``"""
    code, detail = getattr(error, "code", None), getattr(error, "detail", None)
    parts = [f"{each.identifier.value}: {each.detail}" for each in getattr(error, "subproblems", None) or ()]
    return ": ".join(str(each) for each in (code, detail, "; ".join(parts)) if each) or str(error)
