"""What mail programs and other servers ask of client set-up, answered over HTTP.

SETUP-1: nothing here depends on whether an address exists; only the domain counts.
"""

from __future__ import annotations

import asyncio
import os.path
import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from holdfast.functions.setup import apple, outlook, thunderbird
from holdfast.functions.setup.certificates.authority import TOKEN, challenge_folder
from holdfast.functions.setup.events import SETUP_UNAVAILABLE
from holdfast.functions.setup.servers import Servers, domain_under
from holdfast.model.address import Address, parse_address
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import SETUP_REQUEST_BYTES
from holdfast.world import World

LIFE_S = 3600  # programs may keep an answer for so long
XML = "text/xml; charset=utf-8"
CHALLENGES = "/.well-known/acme-challenge/{token}"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 §2.2
_CASES = ("autodiscover", "Autodiscover", "AutoDiscover", "AUTODISCOVER")  # Outlook is not of one mind


class Settings(NamedTuple):
    """``domain_of``: a domain of ours by any spelling, None for another's; raises ``Unavailable``.

    ``title``: whose mail a domain's is. ``url``: of this function's own pages, without the last slash.
    ``sts_policy``: RFC 8461's file. ``acme``: the folder with challenges. ``signing``: PEM files of
    certificate and key to sign Apple's profiles with. ``jmap``: URL of JMAP's session object, '' for none.
    """

    servers: Servers
    domain_of: Callable[[str], str | None]
    title: Callable[[str], str]
    url: str
    sts_policy: str
    acme: str
    signing: tuple[str, str]
    jmap: str = ""


class Answers:
    """The routes of programs; those of people are in ``pages``."""

    def __init__(self, world: World, settings: Settings) -> None:
        self._world = world
        self._settings = settings

    def routes(self) -> list[Route]:
        found = [Route(path, self._guarded(self._thunderbird), methods=["GET"]) for path in thunderbird.PATHS]
        for case in _CASES:
            for file in (f"/{case}/{case}.xml", f"/{case}/autodiscover.xml"):
                found.append(Route(file, self._guarded(self._outlook), methods=["GET", "POST"]))
            for file in (f"/{case}/{case}.json", f"/{case}/autodiscover.json"):
                found.append(Route(file, self._guarded(self._outlook_json), methods=["GET"]))
                with_address = file + "/v1.0/{address}"
                found.append(Route(with_address, self._guarded(self._outlook_json), methods=["GET"]))
        found.append(Route("/setup/apple.mobileconfig", self._guarded(self._apple), methods=["GET"]))
        found.append(Route("/.well-known/mta-sts.txt", self._guarded(self._policy), methods=["GET"]))
        found.append(Route("/.well-known/jmap", self._guarded(self._jmap), methods=["GET"]))
        found.append(Route(CHALLENGES, self._guarded(self._challenge), methods=["GET"]))
        return found

    def _guarded(
        self, answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """SETUP-2: while it can't be said whose a domain is, the answer is "later", never "not ours"."""

        async def endpoint(request: Request) -> Response:
            try:
                response = await answer(request)
            except Refused as refused:
                response = _text(400, refused.text)
            except Unavailable as unavailable:
                self._world.journal.emit(
                    SETUP_UNAVAILABLE, component=unavailable.component, text=unavailable.text
                )
                response = _text(503, "This can't be answered just now. Please try again in a moment.")
                response.headers["retry-after"] = str(max(1, round(unavailable.retry_after_s)))
            response.headers["x-content-type-options"] = "nosniff"
            response.headers.setdefault("cache-control", "no-store")
            return response

        return endpoint

    # Whose settings are asked for

    def _asked(self, request: Request, *names: str) -> tuple[Address | None, str | None]:
        """The address in one of the query's fields, and our domain that is meant by it or by the host."""
        for name in names:
            if text := request.query_params.get(name, ""):
                address = parse_address(text)
                return address, self._settings.domain_of(address.domain)
        host = _host(request)
        return None, self._settings.domain_of(domain_under(host) or host)

    def title(self, domain: str) -> str:
        """Of a domain, fit for XML."""
        return _NOT_XML.sub("", self._settings.title(domain)) or domain

    # Answers

    async def _thunderbird(self, request: Request) -> Response:
        _, domain = self._asked(request, "emailaddress")
        if domain is None:
            return _no_domain()
        servers = self._settings.servers
        page = f"{self._settings.url}/setup" if self._settings.url else ""
        return _xml(thunderbird.config_xml(domain, self.title(domain), servers, page, self._settings.jmap))

    async def _jmap(self, request: Request) -> Response:
        """RFC 8620 §2.2: programs ask the domain, and are led to where it is."""
        if not self._settings.jmap:
            return _text(404, "JMAP isn't spoken here.")
        return RedirectResponse(self._settings.jmap, 307)

    async def _outlook(self, request: Request) -> Response:
        if request.method != "POST":
            if request.url.scheme == "http" and self._settings.url:
                return RedirectResponse(self._settings.url + outlook.PATH, 302)  # MS-OXDISCO §3.1.5.3
            return self._outlook_error(405, outlook.INVALID_REQUEST, "Ask with POST.")
        try:
            question = outlook.read_question(await _body(request))
            address = parse_address(question.address)
        except Refused as refused:
            return self._outlook_error(400, outlook.INVALID_REQUEST, f"Invalid request: {refused.text}")
        if question.schema != outlook.OUTLOOK_SCHEMA:
            return self._outlook_error(200, outlook.NO_SUCH_SCHEMA, "That schema isn't spoken here.")
        domain = self._settings.domain_of(address.domain)
        if domain is None:
            return _no_domain()
        return _xml(outlook.answer_xml(str(address), self.title(domain), self._settings.servers))

    def _outlook_error(self, status: int, code: int, text: str) -> Response:
        content = outlook.error_xml(code, _NOT_XML.sub("", text), self._world.clock.now())
        return Response(content, status, media_type=XML, headers={"allow": "POST"} if status == 405 else None)

    async def _outlook_json(self, request: Request) -> Response:
        """Version 2 only says where the older answer is, or that there is nothing of that kind."""
        text = request.path_params.get("address") or request.query_params.get("Email", "")
        protocol = request.query_params.get("Protocol", "")
        if self._settings.domain_of(parse_address(text).domain) is None:
            return _no_domain()
        if protocol.lower() != "autodiscoverv1" or not self._settings.url:
            said = f"The protocol '{protocol[:50]}' isn't spoken here; 'AutodiscoverV1' is."
            return JSONResponse({"ErrorCode": "InvalidProtocol", "ErrorMessage": said}, 400)
        return JSONResponse({"Protocol": "AutodiscoverV1", "Url": self._settings.url + outlook.PATH})

    async def _apple(self, request: Request) -> Response:
        address, domain = self._asked(request, "address")
        if address is None:
            return _text(400, "Whose settings? Say ?address=you@example.org")
        if domain is None:
            return _no_domain()
        content = apple.profile(str(address), domain, self.title(domain), self._settings.servers)
        if content is None:
            return _text(404, "There is nothing to set up here.")
        content = await self._world.offload(self._signed, content)
        disposition = f'attachment; filename="{domain}.mobileconfig"'
        return Response(content, media_type=apple.MEDIA_TYPE, headers={"content-disposition": disposition})

    def _signed(self, content: bytes) -> bytes:
        """Unsigned where no authority vouches for us: devices show both, and say which."""
        from holdfast.functions.setup.certificates.files import facts_of

        try:
            certificate, key = (self._world.disk.read(path) for path in self._settings.signing)
            return content if facts_of(certificate).self_signed else apple.signed(content, certificate, key)
        except (OSError, ValueError):
            return content

    async def _policy(self, request: Request) -> Response:
        """RFC 8461 §3.3, by the host that is asked: ``mta-sts.`` of a domain of ours."""
        host = _host(request)
        if not host.startswith("mta-sts.") or self._settings.domain_of(domain_under(host)) is None:
            return _no_domain()
        headers = {"cache-control": f"max-age={LIFE_S}"}
        return Response(self._settings.sts_policy, media_type="text/plain", headers=headers)

    async def _challenge(self, request: Request) -> Response:
        """RFC 8555 §8.3: what the authority wants to see here."""
        token = request.path_params["token"]
        if not TOKEN.match(token):
            return _text(404, "No such challenge.")
        try:
            proof = self._world.disk.read(os.path.join(challenge_folder(self._settings.acme), token))
        except OSError:
            return _text(404, "No such challenge.")
        return Response(proof, media_type="application/octet-stream")


def _host(request: Request) -> str:
    return (request.url.hostname or "").lower().rstrip(".")


async def _body(request: Request) -> bytes:
    """Raises ``Refused`` beyond ``SETUP_REQUEST_BYTES``, or for one that doesn't come within 10 s."""
    body = bytearray()
    try:
        async with asyncio.timeout(10.0):
            async for piece in request.stream():
                body += piece
                if len(body) > SETUP_REQUEST_BYTES:
                    raise Refused(Reason.TOO_LARGE, "the request is too long")
    except TimeoutError:
        raise Refused(Reason.LIMIT, "the request didn't come to its end") from None
    return bytes(body)


def _xml(content: bytes) -> Response:
    return Response(content, media_type=XML, headers={"cache-control": f"private, max-age={LIFE_S}"})


def _text(status: int, text: str) -> Response:
    return Response(text + "\n", status, media_type="text/plain")


def _no_domain() -> Response:
    return _text(404, "That isn't a domain of ours.")
