"""Every page of self-service with a real browser: both languages, by keyboard, without JavaScript."""

from __future__ import annotations

import io
import json
import mailbox
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Page, expect

from e2e.service import DOMAIN, Service, password, until
from web.browser import Authenticator, by_keyboard, check_accessible, screen
from web.partner import Partner
from web.self_service import NEW, account, add_account, imap_takes, set_contact, sign_in

pytestmark = pytest.mark.slow
LOCALES = {"en": "en-GB", "de": "de-DE"}
NAMES = {"en": "anna", "de": "ben"}


@pytest.fixture(scope="module")
def service(make_shared: Callable[..., Service], sms: Partner) -> Service:
    made = make_shared(
        web=["password"],
        people=["anna", "ben", "cleo", "dora", "emil", "finn", "gina"],
        config=f'[gateways]\nsender = "Example Mail"\ncountry = "49"\nsms_url = "{sms.url}"\n',
    )
    for name in NAMES.values():
        add_account(made, f"{name}-second", of=name)
        for subject in ("Holiday", "Invoice 4711"):
            made.send(subject, to=name)
        delete(made, name, "Holiday")
    return made


def delete(service: Service, name: str, subject: str) -> None:
    """For good, as mail programs do."""
    until(lambda: subject in service.subjects(name))
    client = service.imap(name)
    client.select("INBOX")
    _, found = client.search(None, "SUBJECT", f'"{subject}"')
    client.store(found[0].split()[0], "+FLAGS", r"(\Deleted)")
    client.expunge()
    client.logout()


def card(page: Page) -> str:
    return page.locator("main").inner_text()


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_page_is_accessible_in_every_language(
    service: Service, sms: Partner, open_page: Callable[..., Page], language: str
):
    page, name = open_page(locale=LOCALES[language]), NAMES[language]
    url = service.url("password")
    page.goto(url + "/forgotten")
    assert page.locator("html").get_attribute("lang") == language
    check(page, "forgotten")
    sign_in(page, service, name)
    check(page, "overview")
    for path in ("password", "app-passwords", "factors", "factors/totp", "factors/passkey", "sessions",
                 "history", "addresses", "contacts", "contacts/phone", "undelete",
                 "export", "delete"):  # fmt: skip
        page.goto(f"{url}/{path}")
        check(page, path.replace("/", "-"))
    page.goto(url + "/app-passwords")
    page.locator("#name").fill("Tablet")
    page.locator("main .button.main").click()
    check(page, "app-password")
    page.goto(url + "/addresses")
    page.locator("#label").fill("Shop")
    page.locator("main .button.main").click()
    check(page, "addresses-masked")
    page.locator("main .rows .button").first.click()
    check(page, "masked")
    page.goto(url + "/factors")
    page.locator("#codes ~ div button").click()
    check(page, "recovery-codes")
    page.goto(url + "/password")
    page.locator("#new").fill("password123")
    page.locator("main .button.main").click()
    check(page, "password-wrong")
    page.goto(url + "/contacts/phone")
    page.locator("#phone").fill(f"0170 123456{len(name)}")
    page.locator("main .button.main").click()
    check(page, "contact-code")


def check(page: Page, name: str) -> None:
    expect(page.locator("h1")).not_to_have_text(re.compile("wrong on our side|unserer Seite"))
    check_accessible(page)
    screen(page, f"password/{name}")


@pytest.mark.timed
def test_password_1_a_password_is_changed_by_keyboard_alone_and_holds_at_once(service: Service, page: Page):
    sign_in(page, service, "cleo")
    keys = by_keyboard(page)
    keys.to("Password").enter()
    keys.to("New password").type(NEW)
    keys.to("New password again").type(NEW)
    keys.to("Change password").enter()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your password is changed")
    check_accessible(page)
    screen(page, "password/changed")
    assert imap_takes(service, "cleo", NEW)
    until(lambda: not imap_takes(service, "cleo", password("cleo")), 2)
    keys.to("Back to the overview").enter()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Welcome")


def test_all_of_it_works_without_javascript(service: Service, open_page: Callable[..., Page]):
    page = open_page(javascript=False)
    sign_in(page, service, "dora")
    page.get_by_role("link", name="App passwords").click()
    page.get_by_label("Name").fill("Phone")
    page.get_by_label("fetch mail (POP3)").uncheck()
    page.get_by_label("Valid until").select_option("year")
    page.get_by_role("button", name="Make an app password").click()
    secret = page.locator(".secret").inner_text()
    assert f"mail.{DOMAIN}" in card(page)
    assert imap_takes(service, "dora", secret.upper().replace("-", " "))
    page.get_by_role("link", name="I have entered it").click()
    expect(page.locator(".rows")).to_contain_text("Phone")
    page.get_by_role("button", name="Remove: Phone").click()
    expect(page.get_by_role("status")).to_contain_text("“Phone” is removed")
    until(lambda: not imap_takes(service, "dora", secret))


def test_masked_addresses_take_mail_until_they_are_switched_off(
    service: Service, open_page: Callable[..., Page]
):
    page = open_page(javascript=False)
    sign_in(page, service, "dora")
    page.get_by_role("link", name="Addresses").click()
    page.get_by_label("For").fill("Newsletter")
    page.get_by_role("button", name="Make a masked address").click()
    masked = page.locator("#masked ~ ul strong").inner_text()
    local = masked.partition("@")[0]
    service.send("offer", to=local)
    until(lambda: "offer" in service.subjects("dora"))
    page.get_by_role("button", name=f"Switch off: {masked}").click()
    expect(page.locator("main")).to_contain_text("mail to it is refused")
    until(lambda: refused(service, local))
    page.get_by_role("link", name=f"Change: {masked}").click()
    page.get_by_label("For").fill("Old newsletter")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("Old newsletter")
    page.get_by_role("button", name=f"Switch on: {masked}").click()
    until(lambda: not refused(service, local))


def refused(service: Service, local: str) -> bool:
    with service.smtp() as client:
        client.ehlo()
        client.mail("you@example.net")
        code, _ = client.rcpt(f"{local}@{DOMAIN}")
    return code == 550


@pytest.mark.timed
def test_a_telephone_with_an_app_is_asked_for_its_code_from_then_on(
    service: Service, open_page: Callable[..., Page]
):
    page = open_page(javascript=False)
    sign_in(page, service, "emil")
    page.goto(service.url("password") + "/factors/totp")
    assert page.locator("img.qr").get_attribute("src").startswith("data:image/svg+xml")
    phone = pyotp.TOTP(page.locator("#key").inner_text().replace(" ", ""))
    page.get_by_label("The code it shows now").fill("000000")
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("alert").first).to_contain_text("doesn’t fit")
    page.get_by_label("The code it shows now").fill(phone.now())
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("status")).to_contain_text("are now asked for")
    page.get_by_role("button", name="Make recovery codes").click()
    codes = page.locator("ol.codes li").all_inner_texts()
    assert len(set(codes)) == 10
    page.get_by_role("button", name="Sign out").click()
    page.locator("#name").fill(f"emil@{DOMAIN}")
    page.locator("#password").fill(password("emil"))
    page.locator(".button.main").first.click()
    assert "/sign-in/code" in page.url
    page.locator("#code").fill(phone.at(time.time() + 30))
    page.locator(".button.main").first.click()
    expect(page.locator("h1")).to_contain_text("Welcome")
    until(lambda: not imap_takes(service, "emil", password("emil")), 2)  # an app password is needed


def test_password_8_passkeys_become_the_only_way_in_when_a_lost_device_leaves_another(
    service: Service, page: Page
):
    device = Authenticator(page)
    sign_in(page, service, "finn")
    url = service.url("password")
    page.goto(url + "/factors/passkey")
    page.get_by_label("Name of the passkey").fill("Laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("status")).to_contain_text("“Laptop”")
    assert len(device.credentials()) == 1
    expect(page.locator("main")).to_contain_text("with a single passkey, a lost device would lock you out")
    check_accessible(page)
    screen(page, "password/factors-passkey-kept")
    page.get_by_role("button", name="Make recovery codes").click()
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_role("button", name="Allow passkeys only").click()
    expect(page.get_by_role("status")).to_contain_text("only a passkey signs you in")
    page.get_by_role("button", name="Remove: Laptop").click()
    expect(page.locator("main")).to_contain_text("the last way back in can’t be removed")
    page.goto(url)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(url + "/")
    page.goto(url + "/factors")
    page.get_by_role("button", name="Allow the password again").click()
    expect(page.get_by_role("status")).to_contain_text("Your password signs you in again")


@pytest.mark.timed
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_forgotten_password_is_set_anew_by_a_code(
    service: Service, sms: Partner, open_page: Callable[..., Page], language: str
):
    name, phone = {"en": ("gina", "+491705550001"), "de": ("dora", "+491705550002")}[language]
    set_contact(service, name, phone=phone)
    page = open_page(locale=LOCALES[language])
    page.goto(service.url("password") + "/forgotten")
    page.locator("#name").fill(f"{name}@{DOMAIN}")
    page.locator("main .button.main").click()
    check(page, "forgotten-code")
    page.locator("#code").fill("000000")
    page.locator("main .button.main").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    page.locator("#code").fill(sms.code(phone))
    page.locator("main .button.main").click()
    check(page, "forgotten-new")
    page.locator("#new").fill(NEW + name)
    page.locator("#again").fill(NEW + name)
    page.locator("main .button.main").click()
    check(page, "forgotten-changed")
    assert imap_takes(service, name, NEW + name)
    until(lambda: not imap_takes(service, name, password(name)), 2)


def test_password_7_a_new_phone_is_proven_and_the_old_one_hears_of_it(
    service: Service, sms: Partner, open_page: Callable[..., Page]
):
    add_account(service, "lena")
    set_contact(service, "lena", phone="+491705550010")
    page = open_page(javascript=False)
    sign_in(page, service, "lena")
    page.get_by_role("link", name="Contacts").click()
    page.get_by_role("link", name="Change phone number").click()
    page.get_by_label("New phone number").fill("0170 555 00 11")
    page.get_by_role("button", name="Send a code").click()
    page.get_by_label("Code").fill("12345")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert").first).to_contain_text("not the code we sent")
    page.get_by_label("Code").fill(sms.code("+491705550011"))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("status")).to_contain_text("Your contacts are saved.")
    expect(page.locator("main")).to_contain_text("+491705550011")
    until(lambda: [each for each in sms.texts() if each["to"] == "+491705550010"])
    told = [each["text"] for each in sms.texts() if each["to"] == "+491705550010"]
    assert f"lena@{DOMAIN}" in told[-1] and "+491705550011" not in told[-1]
    page.get_by_label("Tell me about outages there").check()
    page.get_by_label("Language of our messages").select_option("de")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Tell me about outages there")).to_be_checked()


def test_what_was_deleted_comes_back_to_where_it_was(service: Service, open_page: Callable[..., Page]):
    page = open_page(javascript=False)
    add_account(service, "ida")
    service.send("Lost and found", to="ida")
    delete(service, "ida", "Lost and found")
    sign_in(page, service, "ida")
    page.get_by_role("link", name="Bring mail back").click()
    page.get_by_label("Search in").fill("nothing like it")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("main")).to_contain_text("Nothing fits.")
    page.get_by_label("Search in").fill("FOUND")
    page.get_by_role("button", name="Search").click()
    page.get_by_label("“Lost and found” from").check()
    page.get_by_role("button", name="Bring back").click()
    expect(page.get_by_role("status")).to_contain_text("1 message is back")
    assert "Lost and found" in service.subjects("ida")


def test_password_6_an_export_holds_mail_and_all_else_but_no_secret(
    service: Service, open_page: Callable[..., Page], tmp_path: Path
):
    page = open_page(javascript=False)
    sign_in(page, service, "anna")
    page.get_by_role("link", name="Take your data").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.startswith(f"anna@{DOMAIN}-")
    content = Path(download.value.path()).read_bytes()
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    archive.extractall(tmp_path)
    messages = mailbox.mbox(tmp_path / "mail" / "INBOX.mbox", create=False)
    assert "Invoice 4711" in [message["Subject"] for message in messages]
    told = json.loads(archive.read("account.json"))
    assert told["account"]["login"] == f"anna@{DOMAIN}"
    assert f"anna@{DOMAIN}" in told["addresses"]
    assert json.loads(archive.read("mail.json"))["unreadable"] == []
    assert b"argon2" not in b"".join(archive.read(name) for name in archive.namelist())


@pytest.mark.timed
@pytest.mark.parametrize("language", ["en", "de"])
def test_password_9_an_account_is_deleted_by_its_owner_and_taken_back_by_the_link(
    service: Service, open_page: Callable[..., Page], language: str
):
    name = f"leaver-{language}"
    add_account(service, name)
    page = open_page(locale=LOCALES[language])
    sign_in(page, service, name)
    page.goto(service.url("password") + "/delete")
    page.locator("#typed").fill("not this")
    page.locator("#current").fill(password(name))
    page.locator("main .button.danger").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    page.locator("#typed").fill(f"{name}@{DOMAIN}")
    page.locator("#current").fill(password(name))
    page.locator("main .button.danger").click()
    check(page, "deleted")
    until(lambda: refused(service, name))
    assert account(service, name).state.value == "removed"
    page.locator("main a").last.click()
    check(page, "undo")
    page.locator("main .button.main").click()
    check(page, "undone")
    until(lambda: not refused(service, name))
    until(lambda: imap_takes(service, name, password(name)), 2)


@pytest.mark.timed
def test_signing_out_everywhere_ends_other_browsers_and_open_connections(
    service: Service, open_page: Callable[..., Page]
):
    add_account(service, "hans")
    client = service.imap("hans")
    other, page = open_page(javascript=False), open_page(javascript=False)
    for each in (other, page):
        sign_in(each, service, "hans")
    page.get_by_role("link", name="Signed in").click()
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_role("status")).to_contain_text("You are signed out everywhere")
    other.reload()
    assert "/sign-in" in other.url

    def ended() -> bool:
        try:
            client.noop()
        except (OSError, EOFError, client.abort):
            return True
        return False

    until(ended, 3)
