"""Rules of self-service that no browser shows: who may act for whom, what strangers learn, who waits."""

from __future__ import annotations

import re
import statistics
import threading
import time
from collections.abc import Callable

import msgspec
import pytest

from e2e.service import DOMAIN, Service, password, until
from holdfast.pages import Seal, Session
from holdfast.world import real_world
from web.partner import Partner
from web.self_service import NEW, account, add_account, asked, imap_takes, set_contact, visitor
from web.visitor import Visitor

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(make_shared: Callable[..., Service], sms: Partner) -> Service:
    made = make_shared(
        web=["password"],
        people=["anna", "ben", "cleo", "dora", "stranger"],
        config=f'[gateways]\ncountry = "49"\nsms_url = "{sms.url}"\n',
    )
    add_account(made, "child", of="anna")
    add_account(made, "sibling", of="anna")
    set_contact(made, "anna", phone="+491705559999")
    return made


def refused_as_if_not_there(answer_text: str) -> bool:
    return "You have no such account here" in answer_text


@pytest.mark.timed
def test_password_3_the_first_account_sets_the_others_passwords_and_nobody_else_does(service: Service):
    anna, child = visitor(service, "anna"), visitor(service, "child")
    ids = {name: account(service, name).id for name in ("anna", "child", "sibling", "stranger")}
    done = anna.post(f"/password?account={ids['child']}", new=NEW, again=NEW)
    assert "The new password of child@" in done.text
    until(lambda: imap_takes(service, "child", NEW), 3)
    for name in ("anna", "sibling", "stranger"):
        tried = child.post(f"/password?account={ids[name]}", at="/password", new=NEW, again=NEW)
        assert tried.status_code == 404 and refused_as_if_not_there(tried.text), name
        assert not imap_takes(service, name, NEW)
    tried = anna.post(f"/password?account={ids['stranger']}", at="/password", new=NEW, again=NEW)
    assert tried.status_code == 404 and refused_as_if_not_there(tried.text)
    nobody = anna.post("/password?account=999999", at="/password", new=NEW, again=NEW)
    assert nobody.status_code == 404 and refused_as_if_not_there(nobody.text)


def test_password_3_of_the_others_only_the_first_account_sees_more_than_the_address(service: Service):
    anna, sibling = visitor(service, "anna").get("/").text, visitor(service, "sibling").get("/").text
    for page in (anna, sibling):
        assert {f"{name}@{DOMAIN}" for name in ("anna", "child", "sibling")} <= set(_addresses(page))
        assert f"stranger@{DOMAIN}" not in page
    assert anna.count("Last sign-in") == 3
    assert sibling.count("Last sign-in") == 1


def _addresses(page: str) -> list[str]:
    return re.findall(r"<h3[^>]*>([^<]+)</h3>", page)


def test_password_3_only_the_first_account_changes_and_fully_sees_the_contacts(service: Service):
    sibling = visitor(service, "sibling")
    page = sibling.get("/contacts").text
    assert "+491705559999" not in page and "+49 … 99" in page
    tried = [
        sibling.post("/contacts", language="de"),
        sibling.post("/contacts/phone", phone="+491705550000"),
        sibling.post("/contacts/phone/remove", at="/contacts"),
    ]
    assert [each.status_code for each in tried] == [403, 403, 403]
    customer = account(service, "anna").customer
    contact = asked(service, lambda people: people.contact(customer))
    assert contact.phone == "+491705559999" and contact.language == "en"


def test_the_others_stay_the_others_when_the_first_account_is_gone(service: Service):
    add_account(service, "second", of="dora")
    asked(service, lambda people: people.account_set(f"dora@{DOMAIN}", state="removed"))
    second = visitor(service, "second")
    assert second.post("/contacts", language="de").status_code == 403
    dora = account(service, "dora")
    tried = second.post(f"/password?account={dora.id}", at="/password", new=NEW, again=NEW)
    assert tried.status_code == 404


def test_password_4_what_is_refused_is_said_at_its_field(service: Service):
    ben = visitor(service, "ben")
    for new, again, said in (
        ("short", "short", "too short"),
        ("Passwort123!", "Passwort123!", "Many people use"),
        (f"ben@{DOMAIN}", f"ben@{DOMAIN}", "made of your name"),
        (NEW, NEW + "x", "differ"),
    ):
        answer = ben.post("/password", new=new, again=again)
        assert answer.status_code == 422 and said in answer.text, new
        assert answer.text.count(f'value="{new}"') == new.count("@")  # only the name stands in the form
    assert imap_takes(service, "ben", password("ben"))


@pytest.mark.timed
def test_password_5_a_name_nobody_has_gets_the_same_page_and_no_code_in_the_same_time(
    service: Service, sms: Partner
):
    stranger = Visitor(service.url("password"))
    hidden = stranger.hidden("/forgotten")
    known, unknown = f"anna@{DOMAIN}", f"nobody@{DOMAIN}"

    def ask(name: str, by: str = "phone") -> tuple[str, float]:
        began = time.perf_counter()
        fields = {"csrf": hidden["csrf"], "name": name, "by": by}
        text = stranger.client.post("/forgotten", data=fields).text
        took = time.perf_counter() - began
        text = re.sub(r'(name="(?:token|csrf)" value=")\w+', r"\1…", text)
        return text.replace(name, "NAME"), took

    pages, times = set(), {known: [], unknown: []}
    for _ in range(4):
        for name in (known, unknown):
            text, took = ask(name)
            pages.add(text)
            times[name].append(took)
    pages.add(ask(known, "address")[0])  # a contact that anna hasn't
    assert len(pages) == 1
    shorter, longer = sorted(statistics.median(each) for each in times.values())
    assert longer < 3 * shorter + 0.05
    assert {each["to"] for each in sms.texts()} <= {"+491705559999"}


@pytest.mark.timed
def test_password_2_a_visitor_does_not_wait_for_others_passwords_to_be_hashed(service: Service):
    visitors = [visitor(service, "cleo") for _ in range(4)]
    other = Visitor(service.url("password"))
    stop, waits = threading.Event(), []

    def change(who: Visitor) -> None:
        while not stop.is_set():
            who.post("/password", new=NEW, again=NEW)

    threads = [threading.Thread(target=change, args=(each,)) for each in visitors]
    for each in threads:
        each.start()
    for _ in range(20):
        began = time.perf_counter()
        assert other.get("/healthz/live").status_code == 200
        waits.append(time.perf_counter() - began)
    stop.set()
    for each in threads:
        each.join()
    assert statistics.median(waits) < 0.1


def grow_old(service: Service, who: Visitor, name: str, seconds: float) -> None:
    """Gives the visitor the session that he would have, had he signed in so long ago."""
    key = (service.data / "keys" / "pages.key").read_bytes()
    session = Session(account(service, name).id, time.time() - seconds, "full", "of a while ago")
    seal = Seal(real_world(level="error"), key)
    [cookie] = [each for each in who.client.cookies.jar if each.name.endswith("-session")]
    cookie.value = seal.seal("password session", msgspec.msgpack.encode(session))


def test_a_while_after_the_sign_in_the_current_password_is_asked_for_and_must_be_right(service: Service):
    ben = visitor(service, "ben")
    assert 'id="current"' not in ben.get("/password").text
    grow_old(service, ben, "ben", 3600)
    assert 'id="current"' in ben.get("/password").text
    wrong = ben.post("/password", current="not this one", new=NEW, again=NEW)
    assert wrong.status_code == 422 and "not the current password" in wrong.text
    same = ben.post("/password", current=password("ben"), new=password("ben"), again=password("ben"))
    assert same.status_code == 422 and "you have already" in same.text
    right = ben.post("/password", current=password("ben"), new=NEW, again=NEW)
    assert "Your password is changed" in right.text
    for path in ("/app-passwords", "/factors/totp", "/factors/passkey", "/contacts/phone", "/export"):
        answer = ben.get(path)
        assert answer.status_code == 303 and "again=1" in answer.headers["location"], path
    grow_old(service, ben, "ben", 9 * 3600)
    assert "/sign-in" in ben.get("/").headers["location"]


def test_leaving_asks_for_the_password_whatever_the_age_of_the_sign_in(service: Service):
    stranger = visitor(service, "stranger")
    assert 'id="current"' in stranger.get("/delete").text
    wrong = stranger.post("/delete", typed=f"stranger@{DOMAIN}", current="not this one")
    assert wrong.status_code == 422 and "not the current password" in wrong.text
    assert account(service, "stranger").state.value == "active"


def test_pages_that_matter_are_nobodys_without_a_sign_in(service: Service):
    nobody = Visitor(service.url("password"))
    for path in ("/", "/password", "/app-passwords", "/factors", "/factors/totp", "/factors/passkey",
                 "/sessions", "/history", "/addresses", "/addresses/masked", "/contacts",
                 "/contacts/phone", "/undelete", "/export", "/delete"):  # fmt: skip
        answer = nobody.get(path)
        assert answer.status_code == 303 and "/sign-in" in answer.headers["location"], path
    assert nobody.get("/undo/abc").status_code == 403
    assert "We know nothing of this request" in nobody.get("/asked/abc").text
