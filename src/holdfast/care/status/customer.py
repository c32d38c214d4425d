"""One customer's own link: “Your four mailboxes: two affected, two fine”: a page and its data.

Whoever has the link sees it, so its name can't be guessed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from holdfast.care.affected import Scope, scopes_of
from holdfast.care.credits.owing import Owing
from holdfast.care.customers import AccountRow
from holdfast.care.status.page import Files, Page
from holdfast.care.status.story import Teller
from holdfast.watch import summary

_TOKEN = 26  # letters of base32: 130 bits
_OF_OTHERS = ("signup",)  # nothing that who has a mailbox needs
_TONES = {"affected": "bad", "unknown": "unknown", "fine": "good"}
MailboxState = Literal["fine", "affected", "unknown"]


class Mailbox(NamedTuple):
    """``functions``: that don't work for it, or of which that isn't known."""

    login: str
    state: MailboxState
    functions: tuple[str, ...]


def token(key: bytes, customer: int) -> str:
    """The same for a customer as long as the key is."""
    mac = hmac.digest(key, b"status-link %d" % customer, hashlib.sha256)
    return base64.b32encode(mac).decode().lower()[:_TOKEN]


class Customers:
    """Pages of customers by one look at all that is known. ``folder``: that they are in, with a slash at its
    end; '' for everybody's."""

    def __init__(self, page: Page, key: bytes, folder: str = "") -> None:
        self.folder = folder
        self._page = page
        self._key = key
        self._scopes: dict[str, list[Scope]] = {}
        for incident in page.known.incidents.open():
            for function, scope in scopes_of(incident).items():
                self._scopes.setdefault(function, []).append(scope)
        self._single = any(each.accounts is not None for those in self._scopes.values() for each in those)
        self._known: dict[tuple[int, int], tuple[MailboxState, tuple[str, ...]]] = {}

    def name(self, customer: int) -> str:
        """Of the page and its data, without their endings."""
        return f"customer-{token(self._key, customer)}"

    def of(self, account: AccountRow) -> tuple[MailboxState, tuple[str, ...]]:
        """How that mailbox is. Fine is only what is known to work (STATUS-1)."""
        place = account.cell, account.id if self._single else 0
        if place not in self._known:
            self._known[place] = self._look(account)
        return self._known[place]

    def _look(self, account: AccountRow) -> tuple[MailboxState, tuple[str, ...]]:
        hit: list[str] = []
        unknown: list[str] = []
        for line in self._page.lines:
            if line.state == "works" or line.function in _OF_OTHERS:
                continue
            if line.state == "unknown":
                unknown.append(line.function)
                continue
            of = self._scopes.get(line.function, [Scope()])
            theirs = [each for each in of if each.has(account.cell, account.id)]
            if any(each.part != "undecided" for each in theirs):
                hit.append(line.function)
            elif theirs:
                unknown.append(line.function)
        state: MailboxState = "affected" if hit else "unknown" if unknown else "fine"
        return state, tuple(hit or unknown)

    def files(
        self, customer: int, accounts: Sequence[AccountRow], language: str, owing: Sequence[Owing] = ()
    ) -> Files:
        """A page and its data."""
        page, name = self._page, self.name(customer)
        found = [Mailbox(each.login, *self.of(each)) for each in accounts]
        counts = {each: sum(one.state == each for one in found) for each in _TONES}
        open_ones = page.known.incidents.open()
        shown = page.show(
            "customer.html",
            language,
            f"{name}.html",
            sentence=sentence(page.teller(language), counts),
            tone=next((tone for state, tone in _TONES.items() if counts[state]), "unknown"),
            mailboxes=found,
            owing=owing,
            open=open_ones,
            due=page.due,
            picture=page.picture(language),
        )
        data = {
            "at": summary.moment(page.known.now),
            "mailboxes": [each._asdict() for each in found],
            "counts": counts,
            "credits": [
                {
                    "incident": each.incident,
                    "policy": each.credit.policy,
                    "cents": each.credit.amount,
                    "currency": each.credit.contract.currency,
                    "final": each.final,
                }
                for each in owing
            ],
            "incidents": [
                {"number": each.number, "next_update": summary.moment(page.due[each.number])}
                for each in open_ones
            ],
        }
        return {f"{name}.html": shown, f"{name}.json": msgspec.json.encode(data)}


def sentence(teller: Teller, counts: dict[str, int]) -> str:
    """``Your four mailboxes: two affected, two fine``; of one, in one word."""
    total = sum(counts.values())
    if total == 1:
        parts = next(teller.say(f"status.yours.{each}").lower() for each in _TONES if counts[each])
    else:
        told = [(each, teller.spelled(count)) for each, count in counts.items() if count]
        parts = ", ".join(teller.say(f"status.yours.count.{each}", spelled=word) for each, word in told)
    return teller.say("status.yours.sentence", count=total, spelled=teller.spelled(total), parts=parts)
