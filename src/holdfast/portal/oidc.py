"""A provider of sign-ins elsewhere: OpenID Connect Core 1.0, code flow (§3.1) with PKCE (RFC 7636).

It vouches for who somebody is; which account that opens is decided by ``elsewhere``.
"""

from __future__ import annotations

import base64
import hashlib
import urllib.parse
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import OIDC_ANSWER_S, OIDC_LOOK_S, OIDC_SKEW_S
from holdfast.portal.events import OIDC_BACK, OIDC_LOST
from holdfast.world import World
from holdfast.world.http import HttpAnswer, HttpClient

ALGORITHMS = ["RS256", "ES256", "EdDSA", "Ed25519"]
_Decoded = TypeVar("_Decoded", bound=msgspec.Struct)
FORM = "application/x-www-form-urlencoded"


class ProviderSettings(NamedTuple):
    """``name``: here. ``secret``: read for each sign-in, '' for none. ``trust``: PEM, '' for the system's."""

    name: str
    issuer: str
    client_id: str
    secret: Callable[[], str] = str
    scopes: str = "openid email"
    title: str = ""
    by_address: bool = False
    trust: str = ""


class Flow(msgspec.Struct, frozen=True):
    """A sign-in on its way, in its browser's keeping. ``again``: who is signed in was to show it anew."""

    provider: str
    state: str
    nonce: str
    verifier: str
    next: str
    again: bool
    began_at: float


class Claims(NamedTuple):
    """Who it is. ``address``: '' unless the provider has verified it."""

    subject: str
    address: str


class _Metadata(msgspec.Struct, frozen=True):
    """OpenID Connect Discovery 1.0 §3; RFC 9207 §3 for the last."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: list[str] = []
    authorization_response_iss_parameter_supported: bool = False


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str
    access_token: str = ""


class _Claims(msgspec.Struct, frozen=True):
    """OpenID Connect Core 1.0 §2, §5.1."""

    iss: str
    sub: str
    aud: str | list[str]
    exp: float
    iat: float
    nonce: str = ""
    azp: str = ""
    nbf: float = 0.0
    auth_time: float | None = None
    email: str = ""
    email_verified: bool | str = False  # some say "true"


class _UserInfo(msgspec.Struct, frozen=True):
    sub: str
    email: str = ""
    email_verified: bool | str = False


class Provider:
    """``trouble``: why it couldn't be reached when it was looked at last; '' while it is well."""

    def __init__(self, world: World, settings: ProviderSettings) -> None:
        self.settings = settings
        self.trouble = ""
        self._world = world
        self._http = HttpClient(world, authority_path=settings.trust or None)
        self._component = f"source/oidc:{settings.name}"
        self._metadata: _Metadata | None = None
        self._keys: KeySet | None = None
        self._looked_at = -1e9
        self._looked_again_at = -1e9

    @property
    def is_stale(self) -> bool:
        """Whether it is time to look at it again."""
        return self._world.clock.monotonic() - self._looked_at >= OIDC_LOOK_S

    async def look(self) -> None:
        """Raises ``Unavailable``; ``trouble`` says the same until the next look."""
        self._looked_at = self._world.clock.monotonic()
        url = self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
        try:
            metadata = self._decode(await self._get(url), _Metadata)
            if metadata.issuer != self.settings.issuer:
                raise self._unavailable(f"calls itself {metadata.issuer}")
        except Unavailable as unavailable:
            if not self.trouble:
                self._world.journal.emit(OIDC_LOST, provider=self.settings.name, reason=unavailable.text)
            self.trouble = unavailable.text or "no answer"
            raise
        if self.trouble:
            self._world.journal.emit(OIDC_BACK, provider=self.settings.name)
        self.trouble = ""
        self._metadata = metadata

    async def begin(self, next: str, back: str, *, again: bool, fresh_s: float) -> tuple[Flow, str]:
        """A new flow, and where the browser goes with it. ``back``: the URL it comes back to."""
        await self.look()
        metadata = self._known()
        entropy = self._world.entropy
        flow = Flow(
            provider=self.settings.name,
            state=entropy.token(32),
            nonce=entropy.token(32),
            verifier=entropy.token(64),
            next=next,
            again=again,
            began_at=self._world.clock.now(),
        )
        challenge = base64.urlsafe_b64encode(hashlib.sha256(flow.verifier.encode()).digest()).rstrip(b"=")
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": back,
            "scope": self.settings.scopes,
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
            "max_age": str(int(fresh_s)),
            **({"prompt": "login"} if again else {}),
        }
        glue = "&" if "?" in metadata.authorization_endpoint else "?"
        return flow, metadata.authorization_endpoint + glue + urllib.parse.urlencode(asked)

    async def finish(self, flow: Flow, code: str, said_issuer: str, back: str, *, fresh_s: float) -> Claims:
        """Raises ``Refused(BAD_CREDENTIALS)`` for what isn't proven, ``Unavailable`` without the provider."""
        if self._metadata is None:
            await self.look()
        metadata = self._known()
        if said_issuer != self.settings.issuer and (
            said_issuer or metadata.authorization_response_iss_parameter_supported
        ):
            raise _refused("the answer is another provider's")  # RFC 9207 §2.4
        tokens = await self._redeem(metadata, flow, code, back)
        claims = await self._verified(metadata, tokens.id_token)
        self._check(claims, flow, fresh_s)
        address = claims.email if claims.email_verified in (True, "true") else ""
        if not address and tokens.access_token and metadata.userinfo_endpoint:
            address = await self._ask_address(metadata, tokens.access_token, claims.sub)
        return Claims(f"{claims.iss}|{claims.sub}", address)

    async def close(self) -> None:
        await self._http.close()

    # Within

    async def _redeem(self, metadata: _Metadata, flow: Flow, code: str, back: str) -> _Tokens:
        settings = self.settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": flow.verifier,
        }
        headers = {"Content-Type": FORM, "Accept": "application/json"}
        try:
            secret = settings.secret()
        except OSError as error:
            raise self._unavailable(f"our secret can't be read: {error}") from error
        methods = metadata.token_endpoint_auth_methods_supported or ["client_secret_basic"]
        if secret and "client_secret_basic" in methods:  # RFC 6749 §2.3.1
            quoted = f"{urllib.parse.quote_plus(settings.client_id)}:{urllib.parse.quote_plus(secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(quoted.encode()).decode()
        else:
            form["client_id"] = settings.client_id
            if secret:
                form["client_secret"] = secret
        answer = await self._http.ask(
            "POST",
            metadata.token_endpoint,
            component=self._component,
            headers=headers,
            content=urllib.parse.urlencode(form).encode(),
            timeout_s=OIDC_ANSWER_S,
        )
        if answer.status == 401:
            raise self._unavailable("doesn't know our client id or secret")
        if answer.status != 200:
            raise _refused(f"the provider doesn't take the code ({answer.status})")
        return self._decode(answer, _Tokens)

    async def _verified(self, metadata: _Metadata, token: str) -> _Claims:
        """OIDC-2: a key that isn't known is looked up once more, at most once a second: providers change
        theirs, however lately we looked."""
        fresh = self._keys is None
        keys = self._keys or await self._read_keys(metadata)
        for _ in range(2):
            try:
                found = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
                return msgspec.convert(found, _Claims)
            except (JoseError, ValueError, TypeError, msgspec.ValidationError) as error:
                now = self._world.clock.monotonic()
                if fresh or now - self._looked_again_at < 1.0:
                    raise _refused(f"its token isn't right: {type(error).__name__}") from error
                self._looked_again_at = now
            keys, fresh = await self._read_keys(metadata), True
        raise _refused("its token isn't right")

    async def _read_keys(self, metadata: _Metadata) -> KeySet:
        answer = await self._get(metadata.jwks_uri)
        try:
            keys = KeySet.import_key_set(msgspec.json.decode(answer.body))
        except (JoseError, ValueError, TypeError, KeyError, msgspec.MsgspecError) as error:
            raise self._unavailable(f"its keys can't be read: {type(error).__name__}") from error
        self._keys = keys
        return keys

    def _check(self, claims: _Claims, flow: Flow, fresh_s: float) -> None:
        """OIDC-1. OpenID Connect Core 1.0 §3.1.3.7."""
        now = self._world.clock.now()
        audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        ours = self.settings.client_id
        oldest = flow.began_at if flow.again else flow.began_at - fresh_s
        wrong = {
            "issuer": claims.iss != self.settings.issuer,
            "audience": ours not in audience,
            "party": (len(audience) > 1 or bool(claims.azp)) and claims.azp != ours,
            "nonce": claims.nonce != flow.nonce,
            "end": now > claims.exp + OIDC_SKEW_S,
            "beginning": max(claims.iat, claims.nbf) > now + OIDC_SKEW_S,
            "age": claims.auth_time is not None and claims.auth_time < oldest - OIDC_SKEW_S,
            "subject": not claims.sub,
        }
        for what, is_wrong in wrong.items():
            if is_wrong:
                raise _refused(f"its token isn't right: {what}")

    async def _ask_address(self, metadata: _Metadata, token: str, subject: str) -> str:
        """OpenID Connect Core 1.0 §5.3: of the same subject, or it counts for nothing."""
        answer = await self._get(metadata.userinfo_endpoint, {"Authorization": f"Bearer {token}"})
        found = self._decode(answer, _UserInfo)
        verified = found.email_verified in (True, "true") and found.sub == subject
        return found.email if verified else ""

    def _known(self) -> _Metadata:
        if self._metadata is None:
            raise self._unavailable("was never reached")
        return self._metadata

    async def _get(self, url: str, headers: Mapping[str, str] | None = None) -> HttpAnswer:
        answer = await self._http.ask(
            "GET", url, component=self._component, headers=headers, timeout_s=OIDC_ANSWER_S
        )
        if answer.status != 200:
            raise self._unavailable(f"answered {answer.status}")
        return answer

    def _decode(self, answer: HttpAnswer, kind: type[_Decoded]) -> _Decoded:
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except msgspec.MsgspecError as error:
            raise self._unavailable(f"its answer can't be understood: {error}") from error

    def _unavailable(self, text: str) -> Unavailable:
        return Unavailable(self._component, text)


def _refused(text: str) -> Refused:
    return Refused(Reason.BAD_CREDENTIALS, text)
