"""What programs ask for tokens with: /token, /revoke and the description of both. RFC 6749, 7009, 8414"""

from __future__ import annotations

from urllib.parse import parse_qsl

from holdfast.functions.jmap.authorize import PATH
from holdfast.functions.jmap.incoming import Incoming, Reply, json_reply
from holdfast.functions.jmap.tokens import Pair, Tokens
from holdfast.model.errors import Refused
from holdfast.model.limits import WEB_BODY_S, WEB_FORM_BYTES

TOKEN, REVOKE, METADATA = "/token", "/revoke", "/.well-known/oauth-authorization-server"
_FORM = "application/x-www-form-urlencoded"


class OAuth:
    """``issuer``: our own URL."""

    def __init__(self, tokens: Tokens, issuer: str) -> None:
        self._tokens = tokens
        self._issuer = issuer

    async def metadata(self, request: Incoming) -> Reply:
        """RFC 8414 §3.2"""
        url = self._issuer
        return json_reply(
            {
                "issuer": url,
                "authorization_endpoint": url + PATH,
                "token_endpoint": url + TOKEN,
                "revocation_endpoint": url + REVOKE,
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "revocation_endpoint_auth_methods_supported": ["none"],
                "authorization_response_iss_parameter_supported": True,
            },
            {"cache-control": "public, max-age=300"},
        )

    async def token(self, request: Incoming) -> Reply:
        form = await _form(request)
        try:
            match form.get("grant_type"):
                case "authorization_code":
                    pair = await self._exchange(form)
                case "refresh_token":
                    pair = await self._tokens.refresh(
                        form.get("refresh_token", ""), form.get("client_id", "")
                    )
                case _:
                    return _error("unsupported_grant_type", "authorization_code or refresh_token")
        except Refused as refused:
            return _error("invalid_grant", refused.text)
        return json_reply(
            {
                "access_token": pair.access,
                "token_type": "Bearer",
                "expires_in": pair.life_s,
                "refresh_token": pair.refresh,
            }
        )

    async def _exchange(self, form: dict[str, str]) -> Pair:
        names = ("code", "client_id", "redirect_uri", "code_verifier")
        code, client, redirect_uri, verifier = (form.get(name, "") for name in names)
        return await self._tokens.exchange(code, client, redirect_uri, verifier)

    async def revoke(self, request: Incoming) -> Reply:
        await self._tokens.revoke((await _form(request)).get("token", ""))
        return json_reply({})


async def _form(request: Incoming) -> dict[str, str]:
    """Its fields; {} for what is no form."""
    body = await request.body(WEB_FORM_BYTES, WEB_BODY_S, "maxSizeRequest")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return {}
    return dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True))


def _error(kind: str, text: str) -> Reply:
    """RFC 6749 §5.2"""
    return json_reply({"error": kind, "error_description": text}, status=400)
