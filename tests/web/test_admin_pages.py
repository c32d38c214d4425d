"""Every page for administrators with a real browser: both languages, by keyboard, by role."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.service import DOMAIN, Service, password, until
from e2e.test_alone import dead
from holdfast.functions.admin.catalogue import OPERATIONS
from holdfast.functions.admin.web.acting import ELSEWHERE
from holdfast.model.people import AccountState
from name_server import NameServer
from web.browser import by_keyboard, check_accessible, screen
from web.self_service import account, asked
from web.visitor import Visitor

pytestmark = pytest.mark.slow
LOCALES = {"en": "en-GB", "de": "de-DE"}
PEOPLE = ("anna", "ben", "cleo", "dora", "emil", "finn", "gina")
ROLES = {"anna": "owner", "ben": "support", "cleo": "auditor"}


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    with NameServer() as made:
        yield made


@pytest.fixture(scope="module")
def service(make_shared: Callable[..., Service], names: NameServer) -> Service:
    more = f'[web]\nadmin_second_factor = false\n[dns]\nservers = ["{names.address}"]\n'
    made = make_shared(web=["admin"], people=PEOPLE, config=more)
    for name, role in ROLES.items():
        assert made.holdfast("admin", "token", f"{name}@{DOMAIN}", "--role", role).returncode == 0

    async def furnish(people) -> None:
        tenant = await people.tenant_add("North")
        await people.domain_add("north.example", tenant=tenant.id)
        await people.alias_set(f"sales@{DOMAIN}", [f"dora@{DOMAIN}"])
        await people.invitation_add(DOMAIN, "a code for people invited", note="friends")
        await people.names_reserve(["info"])
        dora = await people.account(f"dora@{DOMAIN}")
        await people.app_password_add(dora.id, "phone", "k" * 24)
        await people.masked_set(dora.id, domain=DOMAIN)
        await people.address_add(dora.id, f"dorothea@{DOMAIN}")
        await people.account_rm(f"gina@{DOMAIN}")
        cleo, anna = await people.account(f"cleo@{DOMAIN}"), await people.account(f"anna@{DOMAIN}")
        access = await people.access_ask(dora.id, cleo.id, why="file 7 of the court")
        await people.access_approve(access.id, anna.id, time.time() + 3600)
        await people.access_ask(dora.id, cleo.id, why="file 8 of the court")

    asked(made, furnish)
    made.send("between us", to="dora", body="the text within\r\n")
    until(lambda: made.subjects("dora") == ["between us"])
    return made


def sign_in(page: Page, service: Service, name: str) -> str:
    url = service.url("admin")
    page.goto(url + "/sign-in")
    page.locator("#name").fill(f"{name}@{DOMAIN}")
    page.locator("#password").fill(password(name))
    page.locator(".button.main").first.click()
    page.wait_for_url(url + "/")
    return url


def visitor(service: Service, name: str) -> Visitor:
    made = Visitor(service.url("admin"))
    assert made.sign_in(f"{name}@{DOMAIN}", password(name)).status_code == 303
    return made


def pages(service: Service) -> dict[str, str]:
    """Name of the picture → path, of all pages that the owner has."""
    dora = account(service, "dora").id
    tenant = asked(service, lambda people: people.tenants())[0].id
    who = f"account={dora}&back=/accounts/{dora}"
    return {
        "start": "/",
        "accounts": "/accounts",
        "account": f"/accounts/{dora}",
        "customers": "/customers",
        "customer": f"/customers/{dora}",
        "domains": "/domains",
        "domain": f"/domains/{DOMAIN}",
        "dns": f"/domains/{DOMAIN}/dns",
        "address": f"/address?address=sales@{DOMAIN}",
        "tenants": "/tenants",
        "tenant": f"/tenants/{tenant}",
        "brand": f"/tenants/{tenant}/brand",
        "reserved": "/reserved",
        "grants": "/grants",
        "tokens": "/tokens",
        "import": "/import",
        "bulk": "/bulk",
        "removed": "/removed",
        "audit": "/audit",
        "accesses": "/accesses",
        "hooks": "/hooks",
        "add-account": "/do/account_add",
        "change-account": f"/do/account_set?{who}",
        "limits": f"/do/account_limits?{who}",
        "password": f"/do/password_set?{who}",
        "hold": f"/do/hold_set?{who}&on=yes",
        "remove": f"/do/account_remove?{who}",
        "contact": f"/do/contact_set?customer={dora}",
        "add-domain": "/do/domain_add",
        "domain-settings": f"/do/domain_set?domain={DOMAIN}",
        "invitation": f"/do/invitation_add?domain={DOMAIN}",
        "grant": "/do/grant_add",
        "token": "/do/token_add",
        "announce": "/do/announce",
    }


# Each has a template, or much, of its own: these are in the pictures.
OF_THEIR_OWN = {"start", "accounts", "account", "dns", "brand", "import", "bulk", "audit", "add-account"}


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_page_is_accessible_in_every_language(
    service: Service, open_page: Callable[..., Page], language: str
):
    page = open_page(locale=LOCALES[language])
    url = sign_in(page, service, "anna")
    for name, path in pages(service).items():
        answer = page.goto(url + path)
        assert answer is not None and answer.status == 200, f"{path}: {answer and answer.status}"
        assert page.locator("html").get_attribute("lang") == language
        check_accessible(page)
        if name in OF_THEIR_OWN:
            screen(page, f"admin/{name}")


@pytest.mark.parametrize("language", ["en", "de"])
def test_an_auditor_reads_a_sealed_mailbox_and_each_look_is_on_record(
    service: Service, open_page: Callable[..., Page], language: str
):
    page = open_page(locale=LOCALES[language])
    url = sign_in(page, service, "cleo")
    page.goto(url + "/accesses")
    access = asked(service, lambda people: people.accesses())[0]
    page.locator(f'a[href="/accesses/{access.id}"]').click()
    page.get_by_role("link", name="INBOX", exact=True).click()
    page.get_by_role("link", name="between us").click()
    expect(page.locator("pre")).to_have_text(re.compile("the text within"))
    check_accessible(page)
    screen(page, "admin/sealed-message")
    looks = [each for each in audit(service) if each["what"] == "access_used"]
    assert len(looks) >= 3
    assert account(service, "dora").state == "active" and service.subjects("dora") == ["between us"]


def test_admin_5_what_was_removed_under_legal_hold_is_there_for_an_approved_auditor(service: Service):
    assert service.holdfast("hold", "begin", f"dora@{DOMAIN}", "--why", "file 7").returncode == 0
    service.send("burn this", to="dora")
    until(lambda: "burn this" in service.subjects("dora"))
    client = service.imap("dora")
    client.select("INBOX")
    _, found = client.search(None, "SUBJECT", '"burn this"')
    client.store(found[0].split()[0], "+FLAGS", r"(\Deleted)")
    client.expunge()
    client.logout()
    assert service.subjects("dora") == ["between us"]
    access = asked(service, lambda people: people.accesses())[0]
    path = f"/accesses/{access.id}/removed"
    file = visitor(service, "cleo").get(path)
    assert file.headers["content-type"].startswith("application/mbox")
    assert "Subject: burn this" in file.text and "between us" not in file.text
    assert visitor(service, "anna").get(path).status_code == 404
    assert any("what was removed" in json.dumps(each["detail"]) for each in audit(service))


def audit(service: Service) -> list[dict[str, object]]:
    lines = service.holdfast("audit", "--limit", "1000", "--json").stdout.splitlines()
    return [json.loads(line) for line in lines]


def test_admin_5_a_look_that_was_not_approved_shows_nothing_and_nobody_approves_his_own(service: Service):
    cleo, anna = visitor(service, "cleo"), visitor(service, "anna")
    [open_one, waiting] = asked(service, lambda people: people.accesses())[:2]
    assert cleo.get(f"/accesses/{waiting.id}").status_code == 403
    assert anna.get(f"/accesses/{open_one.id}").status_code == 404, "only who asked sees"
    assert cleo.post(f"/do/access_approve?access={waiting.id}", at="/accesses").status_code == 403


def test_by_keyboard_alone_an_account_is_found_changed_and_read_again(service: Service, page: Page):
    url = sign_in(page, service, "anna")
    keys = by_keyboard(page)
    keys.to("Find an account or an address").type("dorot").enter()
    expect(page.locator("h1")).to_have_text("Accounts")
    keys.to(f"dora@{DOMAIN}").enter()
    keys.to("Change limits").enter()
    keys.to(re.compile("Storage")).type("5 GB")
    keys.to("Change limits").enter()
    expect(page.locator(".notice")).to_have_text("Done: Change limits.")
    assert page.url.startswith(f"{url}/accounts/")
    expect(page.locator("dl.facts").first).to_contain_text("5 GB")
    assert account(service, "dora").quota_bytes == 5 * 10**9


def test_support_reads_everything_and_sees_no_way_to_change_anything(service: Service, page: Page):
    url = sign_in(page, service, "ben")
    menu = page.locator("nav a").all_inner_texts()
    assert menu == ["Overview", "Accounts", "Customers", "Domains", "Tenants", "Reserved names", "Removed"]
    shown = pages(service)
    for name in ("start", "accounts", "account", "customers", "customer", "domains", "domain", "tenants",
                 "tenant", "reserved", "removed"):  # fmt: skip
        assert page.goto(url + shown[name]).status == 200
        assert page.locator('a[href^="/do/"], main form[method="post"]').count() == 0, name
    ben = visitor(service, "ben")
    for name in ("add-account", "limits", "hold", "grant", "bulk", "import", "audit", "brand", "grants"):
        assert ben.get(shown[name]).status_code == 403, name


def test_admin_1_every_change_of_the_catalogue_has_a_page_and_only_for_who_may(service: Service):
    anna, ben = visitor(service, "anna"), visitor(service, "ben")
    for operation in OPERATIONS:
        if not operation.changes or operation.id in ELSEWHERE:
            continue
        path = f"/do/{operation.id}"
        assert anna.get(path).status_code in (200, 403), operation.id
        assert ben.get(path).status_code == 403, operation.id


def test_admin_11_a_form_sent_twice_has_one_effect_and_undoes_nothing_that_another_did(service: Service):
    anna, path = visitor(service, "anna"), "/do/customer_add"
    fields = anna.hidden(path)
    sent = {"csrf": fields["csrf"], "once": fields["once"], "name": "Twice", "tenant": "0"}
    for _ in range(2):
        assert anna.client.post(path, data=sent).status_code == 303
    found = [each for each in asked(service, lambda people: people.customers()) if each.name == "Twice"]
    assert len(found) == 1
    path = f"/do/customer_set?customer={found[0].id}"
    fields = anna.hidden(path)
    asked(service, lambda people: people.customer_set(found[0].id, contract="of another"))
    sent = {**fields, "name": "Once", "contract": fields["was_contract"], "tenant": "0", "external_id": ""}
    assert anna.client.post(path, data=sent).status_code == 303
    now = asked(service, lambda people: people.customer(found[0].id))
    assert (now.name, now.contract) == ("Once", "of another")


def test_a_mistake_is_named_at_its_field_and_what_was_typed_stays(service: Service):
    anna = visitor(service, "anna")
    path = f"/do/account_limits?account={account(service, 'emil').id}"
    answer = anna.post(path, quota_bytes="much", daily_recipients="7")
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text and 'value="much"' in answer.text
    assert account(service, "emil").quota_bytes == 0


def test_what_the_people_process_refuses_is_said_on_the_form(service: Service):
    anna = visitor(service, "anna")
    answer = anna.post("/do/account_add", address=f"emil@{DOMAIN}", name="again", customer="0")
    assert answer.status_code == 422 and f'value="emil@{DOMAIN}"' in answer.text


def test_a_key_is_shown_once(service: Service):
    anna = visitor(service, "anna")
    made = anna.post("/do/token_add?back=/tokens", name="shop", role="support")
    [token] = re.findall(r"hfadm_[a-z2-7]{32}", made.text)
    assert "hfadm_" not in anna.get("/tokens").text and "shop" in anna.get("/tokens").text
    header = {"authorization": f"Bearer {token}"}
    assert anna.client.get("/v1/me", headers=header).status_code == 200


def test_a_brand_is_previewed_then_seen_by_customers_of_its_domains_alone(service: Service, page: Page):
    url = sign_in(page, service, "anna")
    page.goto(url + pages(service)["brand"])
    page.locator("#title").fill("Northern Mail")
    page.locator("#colour").fill("#7a1f5c")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".brand")).to_have_text("Northern Mail")
    colour = "getComputedStyle(document.body).getPropertyValue('--brand').trim()"
    until(lambda: page.evaluate(colour) == "#7a1f5c")  # the text is there before its style may be
    check_accessible(page)
    screen(page, "admin/brand-preview")
    of_north = {"host": "mail.north.example"}
    stranger = Visitor(service.url("admin"))
    assert "Northern Mail" not in stranger.get("/sign-in", **of_north).text
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice")).to_be_visible()
    until(lambda: "Northern Mail" in stranger.get("/sign-in", **of_north).text)
    assert "Northern Mail" not in stranger.get("/sign-in").text


def test_admin_9_a_file_is_reported_first_then_sent_again_and_imported(
    service: Service, german_page: Page, tmp_path: Path
):
    page, url = german_page, sign_in(german_page, service, "anna")
    file = tmp_path / "people.csv"
    file.write_text(f"address,name\nimported@{DOMAIN},Ida\nnobody,Nemo\n")
    page.goto(url + "/import")
    page.locator("#file").set_input_files(file)
    page.locator("button.main").click()
    expect(page.locator(".notice")).to_contain_text("Noch wurde nichts angelegt")
    check_accessible(page)
    screen(page, "admin/import-report")
    assert not asked(service, lambda people: people.find_accounts("imported"))
    page.locator("#file").set_input_files(file)
    page.locator("button.main").click()
    until(lambda: page.reload() and "fertig" in page.locator(".notice").inner_text())
    assert asked(service, lambda people: people.find_accounts("imported"))


def test_a_bulk_change_asks_how_many_are_meant(service: Service, page: Page):
    url = sign_in(page, service, "anna")
    page.goto(url + "/bulk")
    page.locator("#accounts").fill(f"emil@{DOMAIN}\nfinn@{DOMAIN}\nnobody@{DOMAIN}")
    page.locator("#state").select_option("disabled")
    page.locator("main button").click()
    expect(page.locator("main")).to_contain_text("This concerns 3 accounts.")
    page.locator("#expected").fill("2")
    page.locator("main button").click()
    expect(page.locator("#wrong")).to_contain_text("another number")
    assert account(service, "emil").state == "active"
    check_accessible(page)
    screen(page, "admin/bulk-question")
    page.locator("#expected").fill("3")
    page.locator("main button").click()
    expect(page.locator("main")).to_contain_text("2 accounts were changed.")
    assert account(service, "emil").state == account(service, "finn").state == "disabled"


def test_what_was_removed_is_brought_back_where_it_is_listed(service: Service, page: Page):
    url = sign_in(page, service, "anna")
    page.goto(url + "/removed")
    page.get_by_role("link", name=f"Bring account back: gina@{DOMAIN}").click()
    page.locator("main button").click()
    expect(page.locator(".notice")).to_be_visible()
    assert account(service, "gina").state == "active"


def test_who_has_no_rights_is_told_so_and_an_owner_needs_a_second_factor(make_shared, service: Service):
    dora = visitor(service, "dora").get("/accounts")
    assert dora.status_code == 403 and "no rights" in dora.text
    strict = make_shared(web=["admin"], people=["anna", "ben"])
    strict.holdfast("admin", "token", f"anna@{DOMAIN}", "--role", "owner")
    strict.holdfast("admin", "token", f"ben@{DOMAIN}", "--role", "support")
    anna = visitor(strict, "anna").get("/")
    assert anna.status_code == 403 and "second factor" in anna.text
    assert visitor(strict, "ben").get("/").status_code == 200


def test_with_the_people_process_gone_reading_goes_on_and_a_change_says_what_is_gone(service: Service):
    anna = visitor(service, "anna")
    with dead(service, "people"):
        assert until(lambda: "out of reach" in anna.get("/").text)
        assert anna.get("/accounts").status_code == 200
        answer = anna.post("/do/customer_add", name="never", tenant="0")
        assert answer.status_code == 503 and int(answer.headers["retry-after"]) >= 1
    service.wait_ready()


def test_each_change_is_carried_out_from_its_page(service: Service):
    asked(service, lambda people: people.account_set(f"finn@{DOMAIN}", state=AccountState.ACTIVE))
    anna, finn = visitor(service, "anna"), account(service, "finn").id
    tenant = asked(service, lambda people: people.tenants())[0].id
    waiting = next(each.id for each in asked(service, lambda people: people.accesses()) if not each.until)

    def do(path: str, **fields: str) -> None:
        hidden = anna.hidden(path)
        answer = anna.client.post(path, data={**hidden, **fields})
        assert answer.status_code in (200, 303), f"{path}: {re.sub('<[^>]+>', ' ', answer.text)[-900:]}"

    do("/do/grant_add", account=f"finn@{DOMAIN}", role="support", tenant="0", domain=DOMAIN)
    grants = anna.get("/grants").text
    [remove] = re.findall(rf'href="(/do/grant_remove\?account={finn}&amp;[^"]+)"', grants)
    do(html.unescape(remove))
    assert not asked(service, lambda people: people.grants(finn))
    do(f"/do/access_approve?access={waiting}", hours="2.5", why="the court asks")
    do(f"/do/hold_set?account={finn}&on=yes", why="the court asks")
    assert account(service, "finn").held
    do(f"/do/hold_set?account={finn}&on=no", why="it is done")
    assert not account(service, "finn").held
    do(f"/do/account_set?account={finn}", name="Finn F.", role="owner", customer=str(finn), external_id="c-1")
    found = account(service, "finn")
    assert (found.name, str(found.role), found.external_id) == ("Finn F.", "owner", "c-1")
    do(f"/do/address_add?account={finn}", address=f"finnegan@{DOMAIN}")
    do(f"/do/address_remove?account={finn}&address=finnegan@{DOMAIN}")
    do("/do/alias_set", address=f"news@{DOMAIN}", targets=f"finn@{DOMAIN}\nanna@{DOMAIN}")
    do(f"/do/alias_set?address=news@{DOMAIN}&replace=yes", targets="you@example.net")
    [alias] = [each for each in asked(service, lambda p: p.aliases()) if each.address == f"news@{DOMAIN}"]
    assert alias.targets == ("you@example.net",)
    do(f"/do/alias_remove?address=news@{DOMAIN}")
    do(f"/do/invitation_add?domain={DOMAIN}", uses="3", expires_at="2031-01-31", note="club")
    do(f"/do/reserved_add?domain={DOMAIN}", names="office\nbilling")
    do(f"/do/reserved_free?domain={DOMAIN}&name=office")
    assert asked(service, lambda people: people.reserved(domain=DOMAIN)) == ["billing"]
    do(f"/do/contact_set?customer={finn}", phone="+493012345678", language="de", consent="yes")
    contact = asked(service, lambda people: people.contact(finn))
    assert (contact.phone, contact.language, contact.phone_proven_at) == ("+493012345678", "de", 0.0)
    assert contact.consent_at
    do(f"/do/tenant_limits?tenant={tenant}", accounts_most="12")
    do("/do/domain_add", name="later.example", separator="+", catch_all="", tenant=str(tenant))
    do(
        "/do/domain_limits?domain=later.example",
        quota_bytes="2 GB",
        daily_recipients="100",
        accounts_most="0",
    )
    do("/do/domain_remove?domain=later.example", accounts="0")
    do("/do/domain_restore?domain=later.example")
    domains = asked(service, lambda people: people.domains())
    later = next(each for each in domains if each.name == "later.example")
    assert (later.tenant, later.quota_bytes, later.removed_at) == (tenant, 2 * 10**9, 0.0)
    do(f"/do/password_set?account={finn}", password="a long new password", sign_out="yes")
    do(f"/do/sign_out?account={finn}")
    assert Visitor(service.url("admin")).sign_in(f"finn@{DOMAIN}", "a long new password").status_code == 303
