import { signal } from "@preact/signals";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Shell } from "../../src/data/webmail";
import { pushed, renewed } from "../../src/worker/pushed";
import { Machine, type Tab } from "./world";

const DAY_MS = 86_400_000;
const SCOPE = "https://mail.test/";
const machines: Machine[] = [];
beforeEach(() => void vi.stubGlobal("navigator", { language: "en-GB" }));
afterEach(() => {
  vi.unstubAllGlobals();
  for (const m of machines.splice(0)) for (const tab of m.tabs) if (!tab.closed) tab.mail.end();
});

const shell = (now: "on" | "off") => ({ newer: signal(false), update: () => undefined, notifications: signal<"on" | "off">(now), notify: () => Promise.resolve({ ok: true, value: undefined }) }) satisfies Shell;

async function subscribed(): Promise<{ m: Machine; tab: Tab; wish: ReturnType<typeof shell> }> {
  const m = new Machine();
  machines.push(m);
  m.server.deliver();
  await m.signIn();
  const wish = shell("on");
  const tab = await m.open(wish);
  await m.until(() => tab.mail.connection.sync.value.upToDate !== null && theirs(m).length === 1);
  return { m, tab, wish };
}
const theirs = (m: Machine) => m.server.all("PushSubscription");

/** Ends when the machine's time has gone on as far as that needs. */
async function through<T>(m: Machine, work: Promise<T>): Promise<T> {
  let over = false;
  void work.finally(() => (over = true));
  await m.until(() => over);
  return work;
}
const push = (m: Machine, message: unknown, looking = false) => through(m, pushed(m.worker(), SCOPE, message, () => Promise.resolve(looking)));
const prove = (m: Machine, { id, code } = theirs(m)[0]!) => push(m, { "@type": "PushVerification", pushSubscriptionId: id, verificationCode: code });
const delivery = (m: Machine) => ({ "@type": "StateChange", changed: { a1: { EmailDelivery: String(m.server.modseq) } } });

test("a device that wants it makes its place known, and proves it by the code that comes there", async () => {
  const { m, tab } = await subscribed();
  expect(tab.mail.session.signIn.value).toMatchObject({ account: { can: { push: true } } });
  expect(theirs(m)[0]).toMatchObject({ url: "https://push.test/1", keys: { p256dh: "p", auth: "a" }, types: ["EmailDelivery"] });
  expect(m.push.key).toBe("key1");
  await m.until(() => tab.mail.device.push.value === "waiting");
  expect(await prove(m)).toBeNull();
  await m.until(() => tab.mail.device.push.value === "on");
  expect(theirs(m)[0]!.verificationCode).toBe(theirs(m)[0]!.code);
});

test("a code that comes while the service is away is given back by the page later", async () => {
  const { m, tab } = await subscribed();
  m.setOnline(false);
  await prove(m);
  expect(theirs(m)[0]!.verificationCode).toBeUndefined();
  m.setOnline(true);
  await m.until(() => tab.mail.device.push.value === "on");
});

/** PUSH-1 */
test("new mail is named once, with no page open, and what the server can't be asked for isn't named", async () => {
  const { m, tab } = await subscribed();
  await prove(m);
  tab.close();
  m.server.deliver({ from: [{ name: "Zoë", email: "zoe@example.net" }], subject: "Lunch", receivedAt: new Date(m.time + 1_000).toISOString().slice(0, 19) + "Z" });
  expect(await push(m, delivery(m), true)).toBeNull();
  expect(await push(m, delivery(m))).toEqual({ title: "Zoë", body: "Lunch" });
  expect(await push(m, delivery(m))).toBeNull();
  m.server.mode = "503";
  const plain = await push(m, delivery(m));
  expect(plain).toEqual({ title: "Test", body: "You have new mail." });
  m.server.mode = "up";
  m.server.tokens = { access: "other", refresh: "other" };
  expect(await push(m, delivery(m))).toEqual(plain);
});

test("it is renewed before its end, by the page or by what comes; and made anew when it was lost", async () => {
  const { m, tab } = await subscribed();
  await prove(m);
  await m.until(() => tab.mail.device.push.value === "on");
  const end = Date.parse(theirs(m)[0]!.expires);
  m.elapse(4 * DAY_MS);
  await m.until(() => Date.parse(theirs(m)[0]!.expires) > end);
  tab.close();
  const before = Date.parse(theirs(m)[0]!.expires);
  m.time += 4 * DAY_MS;
  await push(m, delivery(m));
  expect(Date.parse(theirs(m)[0]!.expires)).toBeGreaterThan(before);
  await m.push.unsubscribe();
  await through(m, renewed(m.worker(), SCOPE));
  expect(theirs(m).map((each) => each.url)).toEqual(["https://push.test/2"]);
  m.server.destroy("PushSubscription", theirs(m)[0]!.id);
  const again = await m.open(shell("on"));
  await prove(m, { id: "another", code: "wrong" } as never);
  m.time += 8 * DAY_MS;
  await m.until(() => theirs(m).length === 1);
  expect(again.mail.device.push.value).not.toBe("on");
});

test("it ends when it isn't wanted, with the sign-in, and with the server's key", async () => {
  const { m, tab, wish } = await subscribed();
  wish.notifications.value = "off";
  await m.until(() => theirs(m).length === 0 && tab.mail.device.push.value === "off");
  expect(m.push.place).toBeNull();
  wish.notifications.value = "on";
  await m.until(() => theirs(m).length === 1);
  tab.close();
  m.server.pushKey = "key2";
  await through(m, m.signIn());
  const last = await m.open(shell("on"));
  await m.until(() => m.push.key === "key2" && theirs(m).length === 1);
  await through(m, last.mail.session.signOut());
  expect([theirs(m).length, m.push.place]).toEqual([0, null]);
  expect(await push(m, delivery(m))).toBeNull();
});

test("a push service that is out of reach is asked again, and nobody else waits for it", async () => {
  const m = new Machine();
  machines.push(m);
  m.push.out = true;
  await m.signIn();
  const tab = await m.open(shell("on"));
  await m.until(() => tab.mail.device.push.value === "failed");
  expect(tab.mail.connection.now.value.state).toBe("online");
  m.push.out = false;
  m.elapse(3_600_000);
  await m.until(() => theirs(m).length === 1);
});

test("what the browser or the server doesn't offer is said", async () => {
  const m = new Machine();
  machines.push(m);
  m.server.pushKey = "";
  await m.signIn();
  const tab = await m.open(shell("on"));
  await m.until(() => tab.mail.device.push.value === "unoffered");
});
