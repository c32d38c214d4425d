"""Self-service while the rest is gone: its own process, its copy and a disk are all it needs."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.service import DOMAIN, Service, password, until
from web.browser import check_accessible, screen
from web.partner import Partner
from web.self_service import NEW, account, imap_takes, set_contact, visitor
from web.visitor import Visitor

pytestmark = pytest.mark.slow

MAIL = ("mx-0", "submission-0", "imap-0", "imap-1", "pop3-0", "relay-0", "store-0", "auth-0")
PEOPLE = ("anna", "ben", "cleo", "dora", "emil", "finn", "gina", "hans", "ida")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, sms: Partner) -> Iterator[Service]:
    made = Service(
        Path(tmp_path_factory.mktemp("service")),
        people=PEOPLE,
        web=["password"],
        config=f'[gateways]\ncountry = "49"\nsms_url = "{sms.url}"\n',
    )
    with made.running():
        yield made


@contextlib.contextmanager
def dead(service: Service, *names: str) -> Iterator[None]:
    """Killed; and the supervisor, which would start them again within a moment, is frozen meanwhile."""
    assert service.process is not None
    pids = [service.pid(name) for name in names]
    os.kill(service.process.pid, signal.SIGSTOP)
    try:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        until(lambda: all(state_of(pid) == "Z" for pid in pids))  # none of them makes a file any more
        yield
    finally:
        os.kill(service.process.pid, signal.SIGCONT)
        until(lambda: all_again(service, names, pids))


def state_of(pid: int) -> str:
    """As the kernel says it: Z for one that has ended and that nobody has asked after yet."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def all_again(service: Service, names: Iterable[str], before: Iterable[int]) -> bool:
    """Whether each of the killed has a successor, and all are ready."""
    processes = {each["process"]: each for each in service.status()["processes"]}
    new = all(processes[name]["pid"] not in (0, None, *before) for name in names)
    return new and all(each["ready"] for each in processes.values())


def heading(text: str) -> str:
    found = re.search(r"<h1>([^<]*)</h1>", text)
    return found[1].replace("’", "'") if found else text


def change(who: Visitor, new: str, **more: str) -> str:
    """Changes the password within a fresh sign-in; the page that says what became of it."""
    answer = who.post("/password", new=new, again=new, **more)
    assert answer.status_code == 200, answer.text
    return answer.text


def takes(service: Service, name: str, word: str, seconds: float) -> None:
    """IMAP takes it within so long; measured from now."""
    began = time.monotonic()
    until(lambda: imap_takes(service, name, word), seconds)
    assert time.monotonic() - began <= seconds


@pytest.mark.timed
def test_password_1_it_works_with_every_mail_process_killed_and_every_index_removed(service: Service):
    anna = visitor(service, "anna")
    with dead(service, *MAIL):
        for index in (service.data / "volumes").glob("*/index"):
            shutil.rmtree(index)
        assert heading(change(anna, NEW)) == "Your password is changed"
        anna = visitor(service, "anna", NEW)
        overview = anna.get("/").text
        assert "can’t be read at present" in overview
        assert "checked here instead" in overview
        for path in ("/app-passwords", "/factors", "/sessions", "/history", "/addresses", "/contacts",
                     "/export", "/delete"):  # fmt: skip
            assert anna.get(path).status_code == 200, path
        undelete = anna.get("/undelete")
        assert undelete.status_code == 503
        assert "can’t be read at present" in undelete.text
        made = anna.post("/app-passwords", name="phone", functions="imap")
        secret = re.search(r'id="secret">([^<]+)<', made.text)
        assert secret, made.text
    takes(service, "anna", NEW, 20)
    assert imap_takes(service, "anna", secret[1])
    until(lambda: not imap_takes(service, "anna", password("anna")), 2)


@pytest.mark.timed
def test_password_1_with_the_people_process_killed_it_is_taken_and_in_effect_on_its_return(service: Service):
    ben = visitor(service, "ben")
    with dead(service, "people-0"):
        page = change(ben, NEW)
        assert heading(page) == "Your new password is kept safely"
        assert "the old password goes on working" in page
        ticket = re.search(r'href="(/asked/\w+)"', page)[1]
        assert "It waits, safely stored" in ben.get(ticket).text
        assert imap_takes(service, "ben", password("ben"))
        assert "is out of reach" in ben.get("/").text
        assert NEW.encode() not in service.on_disk()
    until(lambda: "It is done" in ben.get(ticket).text)
    takes(service, "ben", NEW, 2)
    until(lambda: not imap_takes(service, "ben", password("ben")), 2)  # there are two IMAP processes


@pytest.mark.timed
def test_password_1_taken_it_survives_the_death_of_the_process_that_took_it(service: Service):
    cleo, pid = visitor(service, "cleo"), service.pid("password-0")
    with dead(service, "people-0"):
        page = change(cleo, NEW)
        assert heading(page) == "Your new password is kept safely"
        os.kill(pid, signal.SIGKILL)
    takes(service, "cleo", NEW, 15)
    ticket = re.search(r'href="(/asked/\w+)"', page)[1]
    until(lambda: "It is done" in Visitor(service.url("password")).get(ticket).text)


@pytest.mark.timed
def test_password_1_a_forgotten_password_is_set_while_mail_and_people_are_gone(
    service: Service, sms: Partner
):
    set_contact(service, "dora", phone="+491705550042")
    until(lambda: account(service, "dora"))
    someone = Visitor(service.url("password"))
    with dead(service, "people-0", *MAIL):
        begun = someone.post("/forgotten", name=f"dora@{DOMAIN}", by="phone").text
        token = re.search(r'name="token" value="(\w+)"', begun)[1]
        right = someone.post("/forgotten/code", at="/forgotten", token=token, code=sms.code("+491705550042"))
        assert heading(right.text) == "Choose a new password"
        done = someone.post("/forgotten/new", at="/forgotten", token=token, new=NEW, again=NEW)
        assert heading(done.text) == "Your new password is kept safely"
    takes(service, "dora", NEW, 20)


def test_contacts_changed_one_after_the_other_while_people_is_gone_are_all_kept(
    service: Service, sms: Partner
):
    emil = visitor(service, "emil")
    with dead(service, "people-0"):
        page = emil.post("/contacts/phone", phone="0170 555 77").text
        token = re.search(r'name="token" value="(\w+)"', page)[1]
        code = sms.code("+4917055577")
        kept = emil.post("/contacts/phone/code", at="/contacts/phone", token=token, code=code)
        assert heading(kept.text) == "Your request is kept safely"
        kept = emil.post("/contacts", language="de", consent="yes")
        assert heading(kept.text) == "Your request is kept safely"

    def there() -> bool:
        page = emil.get("/contacts").text
        return "+4917055577" in page and "checked" in page and 'value="de" selected' in page

    until(there)


def test_password_6_an_export_is_made_with_the_people_process_and_the_store_killed(service: Service):
    service.send("to be taken along", to="finn")
    until(lambda: "to be taken along" in service.subjects("finn"))
    finn = visitor(service, "finn")
    with dead(service, "people-0", "store-0"):
        archive = zipfile.ZipFile(BytesIO(finn.post("/export").content))
        assert b"to be taken along" in archive.read("mail/INBOX.mbox")
        until(lambda: "bringing it back works again" in finn.get("/undelete").text)


def test_password_6_without_its_mailbox_an_export_holds_all_the_rest_and_says_so(service: Service):
    gina = visitor(service, "gina")
    with dead(service, *MAIL):
        for index in (service.data / "volumes").glob("*/index"):
            shutil.rmtree(index)
        archive = zipfile.ZipFile(BytesIO(gina.post("/export").content))
    assert f"gina@{DOMAIN}".encode() in archive.read("account.json")
    assert b'"folders":null' in archive.read("mail.json")


@pytest.mark.timed
@pytest.mark.parametrize(("language", "name"), [("en", "hans"), ("de", "ida")])
def test_pages_that_say_what_is_missing_are_accessible_in_every_language(
    service: Service, open_page: Callable[..., Page], language: str, name: str
):
    page, url = open_page(locale={"en": "en-GB", "de": "de-DE"}[language]), service.url("password")
    page.goto(url + "/password")  # not the overview: an index that was read before goes on being read
    page.locator("#name").fill(f"{name}@{DOMAIN}")
    page.locator("#password").fill(password(name))
    page.locator(".button.main").first.click()
    page.wait_for_url(url + "/password")
    with dead(service, "people-0", *MAIL):
        for index in (service.data / "volumes").glob("*/index"):
            shutil.rmtree(index)
        page.goto(url)
        expect(page.locator("#trouble")).to_be_visible()
        seen(page, "overview-trouble")
        page.goto(url + "/undelete")
        expect(page.locator(".notice.warn").first).to_be_visible()
        expect(page.get_by_role("search")).to_be_hidden()
        seen(page, "undelete-gone")
        page.goto(url + "/export")
        expect(page.locator("main .card .notice.warn")).to_be_visible()
        page.goto(url + "/password")
        page.locator("#new").fill(NEW)
        page.locator("#again").fill(NEW)
        page.locator("main .button.main").click()
        seen(page, "changed-taken")
        page.locator("main a").first.click()
        seen(page, "asked-waiting")
        page.goto(url + "/sessions")
        page.locator("main .button.main").click()
        seen(page, "taken")
    takes(service, name, NEW, 20)


def seen(page: Page, name: str) -> None:
    assert page.locator("h1").inner_text() not in ("Something went wrong on our side",)
    check_accessible(page)
    screen(page, f"password/{name}")
