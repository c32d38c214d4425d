"""The settings for people: one page, in their language, program by program."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from pathlib import Path

from starlette.responses import RedirectResponse, Response

from holdfast.functions.setup.servers import Security, Servers
from holdfast.model.address import parse_address
from holdfast.model.errors import Refused
from holdfast.pages import Site, Visit, Wrong

FOLDER = Path(__file__).parent


class Pages:
    """``account_url``: of the self-service pages, '' for none. ``domain_of``: see ``answers.Settings``."""

    def __init__(
        self, site: Site, servers: Servers, domain_of: Callable[[str], str | None], account_url: str
    ) -> None:
        self._servers = servers
        self._domain_of = domain_of
        self._account_url = account_url
        site.page("/setup", methods=("GET",))(self._settings)
        site.page("/", methods=("GET",))(self._first)

    async def _first(self, visit: Visit) -> Response:
        """Who types the bare name means his account."""
        if self._account_url:
            return RedirectResponse(self._account_url + "/", 302)
        return visit.go("/setup", 302)

    async def _settings(self, visit: Visit) -> Response:
        """SETUP-1: what is shown depends on the domain alone."""
        typed = visit.query.get("address", "").strip()[:400]
        address, wrong = "", None
        if typed:
            try:
                found = parse_address(typed)
                if self._domain_of(found.domain) is None:
                    wrong = Wrong("setup.wrong.domain", "address")
                else:
                    address = str(found)
            except Refused:
                wrong = Wrong("setup.wrong.address", "address")
        return visit.show(
            "setup.html",
            404 if wrong and wrong.key == "setup.wrong.domain" else 200,
            typed=typed,
            address=address,
            wrong=wrong,
            servers=self._servers,
            starttls=Security.STARTTLS,
            query=urllib.parse.urlencode({"address": address}),
            account_url=self._account_url,
        )
