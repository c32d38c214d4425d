"""What tests of self-service share: a service with people on it, and the people process asked directly."""

from __future__ import annotations

import imaplib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from playwright.sync_api import Page

from e2e.service import DOMAIN, Service, password
from holdfast.directory.operations import Operations
from holdfast.model.people import Account, Contact
from holdfast.run import doors, reading
from holdfast.world import real_world, run
from web.browser import aside
from web.visitor import Visitor

T = TypeVar("T")
NEW = "lampe fluss zitrone"


def asked(service: Service, ask: Callable[[Operations], Awaitable[T]]) -> T:
    """What the people process answers, asked by an administrator."""

    async def work() -> T:
        world = real_world(level="error")
        async with doors.people(world, reading.load(str(service.config_path), {})) as people:
            return await ask(people)

    return aside(lambda: run(work()))


def account(service: Service, name: str) -> Account:
    return asked(service, lambda people: people.account(f"{name}@{DOMAIN}"))


def add_account(service: Service, name: str, of: str = "") -> Account:
    """A new one; ``of``: another account of the same customer."""
    customer = account(service, of).customer if of else 0
    address = f"{name}@{DOMAIN}"
    return asked(
        service,
        lambda people: people.account_add(address, password=password(name), customer=customer),
    )


def set_contact(service: Service, name: str, *, phone: str = "", address: str = "") -> None:
    customer = account(service, name).customer
    contact = Contact(
        customer,
        phone=phone,
        phone_proven_at=1.0 if phone else 0.0,
        address=address,
        address_proven_at=1.0 if address else 0.0,
    )
    asked(service, lambda people: people.contact_set(contact))


def visitor(service: Service, name: str, with_password: str = "") -> Visitor:
    """Signed in over HTTP."""
    made = Visitor(service.url("password"))
    answer = made.sign_in(f"{name}@{DOMAIN}", with_password or password(name))
    assert answer.status_code == 303, answer.text
    return made


def sign_in(page: Page, service: Service, name: str, with_password: str = "") -> None:
    """In the browser."""
    page.goto(service.url("password") + "/sign-in")
    page.locator("#name").fill(f"{name}@{DOMAIN}")
    page.locator("#password").fill(with_password or password(name))
    page.locator(".button.main").first.click()
    page.wait_for_url(service.url("password") + "/")


def imap_takes(service: Service, name: str, word: str) -> bool:
    """Whether IMAP signs in with it. Anything but "wrong password" is an error."""
    client = imaplib.IMAP4("127.0.0.1", service.ports["imap"], timeout=30)
    try:
        client.login(f"{name}@{DOMAIN}", word)
    except imaplib.IMAP4.error as error:
        assert "AUTHENTICATIONFAILED" in str(error), error
        return False
    finally:
        client.shutdown()
    return True
