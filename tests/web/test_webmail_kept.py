"""The webmail in a real browser: what it keeps when its server goes, and what it tells while it is closed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from e2e.service import DOMAIN, Service, until
from web.browser import PATIENCE_MS
from web.webmail import Device, deliver, needs_build

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), needs_build]

# A place at a push service, and leave to notify: Chromium has neither without a window.
PLACE = """
Object.defineProperty(Notification, "permission", { get: () => "granted" });
Notification.requestPermission = async () => "granted";
PushManager.prototype.subscribe = async () => ({
  endpoint: "https://push.invalid/1", unsubscribe: async () => true, options: { applicationServerKey: null },
  getKey: (name) => new Uint8Array(name === "auth" ? 16 : KEY),
});
""".replace(
    "KEY",
    str(list(bytes.fromhex(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    ))),
)  # fmt: skip


MAIL = "(await indexedDB.databases()).find((each) => each.name.startsWith('holdfast-mail-')).name"
# What the service worker has found by itself; whether it is shown is Chromium's affair.
ANNOUNCED = """async () => {
  const request = indexedDB.open("holdfast");
  await new Promise((go) => (request.onsuccess = go));
  const told = request.result.transaction("known").objectStore("known").get("announced");
  await new Promise((go) => (told.onsuccess = go));
  request.result.close();
  return told.result?.ids.length ?? 0;
}"""
FILES_KEPT = f"""async () => {{
  const request = indexedDB.open({MAIL});
  await new Promise((go) => (request.onsuccess = go));
  const count = request.result.transaction("blobs").objectStore("blobs").count();
  await new Promise((go) => (count.onsuccess = go));
  request.result.close();
  return count.result;
}}"""


@pytest.fixture(scope="module")
def service(make_shared: Callable[..., Service]) -> Service:
    return make_shared(web=["jmap", "webmail", "health"], people=("anna", "ben"))


def with_a_file(subject: str, name: str) -> bytes:
    lines = [
        "From: Ben <ben@elsewhere.example>",
        f"To: <anna@{DOMAIN}>",
        f"Subject: {subject}",
        f"Message-ID: <{subject.replace(' ', '.')}@test>",
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        "with a file",
        "--b",
        f'Content-Type: application/octet-stream; name="{name}"',
        f'Content-Disposition: attachment; filename="{name}"',
        "",
        "the file",
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode()


def test_files_are_found_by_name_and_an_open_list_stays_when_the_server_goes(
    browser: Browser, service: Service
):
    deliver(service, "One", "Two", body="hello")
    with service.smtp() as client:
        client.sendmail("ben@elsewhere.example", [f"anna@{DOMAIN}"], with_a_file("Three", "Plan 2026.bin"))
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    try:
        anna = Device(service, context, "anna").sign_in().works_offline()
        anna.sees("Three")
        search = anna.page.get_by_role("combobox", name="Search")
        search.fill("filename:plan")
        search.press("Enter")
        anna.sees("Three")
        expect(anna.row("One")).to_be_hidden()
        until(lambda: anna.page.evaluate(FILES_KEPT) == 1)
        anna.page.goto(service.url("webmail") + "/#/mail/inbox")
        anna.sees("One")
        service.stop()
        anna.page.get_by_role("button", name="Look for new mail").first.click()
        expect(anna.page.get_by_text("The server of the webmail").first).to_be_visible()
        for subject in ("One", "Two", "Three"):
            anna.sees(subject)
        anna.row("Three").click()
        anna.page.get_by_text("Plan 2026.bin").first.wait_for(timeout=PATIENCE_MS)
        search.fill("filename:plan")
        search.press("Enter")
        anna.sees("Three")
    finally:
        context.close()
        if service.process is None or service.process.poll() is not None:
            service.start()


def test_the_service_worker_asks_for_new_mail_while_no_page_is_open(browser: Browser, service: Service):
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    try:
        origin = service.url("webmail")
        context.add_init_script(PLACE)
        ben = Device(service, context, "ben").sign_in().works_offline()
        ben.page.goto(f"{origin}/#/settings/general")
        ben.page.get_by_label("Notify of new mail").check(timeout=10_000)
        expect(ben.page.get_by_text("are being set up")).to_be_visible()
        devtools = context.new_cdp_session(ben.page)
        versions: list[str] = []
        devtools.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda told: versions.extend(each["registrationId"] for each in told["registrations"]),
        )
        devtools.send("ServiceWorker.enable")
        until(lambda: bool(versions) or ben.page.evaluate("1") == 0)
        account = ben.page.evaluate(f"async () => {MAIL}.slice(14)")
        ben.page.goto("about:blank")
        deliver(service, "Told of", to="ben")
        until(lambda: service.subjects("ben") == ["Told of"])
        message = f'{{"@type": "StateChange", "changed": {{"{account}": {{"EmailDelivery": "1"}}}}}}'
        devtools.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": origin, "registrationId": versions[0], "data": message},
        )
        page = context.new_page()
        page.goto(f"{origin}/manifest.webmanifest")
        until(lambda: page.evaluate(ANNOUNCED) == 1)
    finally:
        context.close()
