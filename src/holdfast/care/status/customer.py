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


def mailboxes(page: Page, accounts: Sequence[AccountRow]) -> list[Mailbox]:
    """Fine is only what is known to work (STATUS-1)."""
    scopes: dict[str, list[Scope]] = {}
    for incident in page.known.incidents.open():
        for function, scope in scopes_of(incident).items():
            scopes.setdefault(function, []).append(scope)
    return [_mailbox(page, each, scopes) for each in accounts]


def _mailbox(page: Page, account: AccountRow, scopes: dict[str, list[Scope]]) -> Mailbox:
    hit: list[str] = []
    unknown: list[str] = []
    for line in page.lines:
        if line.state == "works" or line.function in _OF_OTHERS:
            continue
        if line.state == "unknown":
            unknown.append(line.function)
            continue
        of = scopes.get(line.function, [Scope()])
        theirs = [each for each in of if each.cells is None or account.cell in each.cells]
        if any(each.part != "undecided" for each in theirs):
            hit.append(line.function)
        elif theirs:
            unknown.append(line.function)
    state: MailboxState = "affected" if hit else "unknown" if unknown else "fine"
    return Mailbox(account.login, state, tuple(hit or unknown))


def files(page: Page, key: bytes, customer: int, accounts: Sequence[AccountRow], language: str) -> Files:
    """A page and its data, named by the customer's token."""
    found = mailboxes(page, accounts)
    counts = {each: sum(one.state == each for one in found) for each in _TONES}
    teller = page.teller(language)
    name = f"customer-{token(key, customer)}"
    open_ones = page.known.incidents.open()
    shown = page.show(
        "customer.html",
        language,
        f"{name}.html",
        sentence=sentence(teller, counts),
        tone=next((tone for state, tone in _TONES.items() if counts[state]), "unknown"),
        mailboxes=found,
        open=open_ones,
        due=page.due,
        picture=page.picture(language),
    )
    data = {
        "at": summary.moment(page.known.now),
        "mailboxes": [each._asdict() for each in found],
        "counts": counts,
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
