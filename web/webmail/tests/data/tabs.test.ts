import { afterEach, expect, test } from "vitest";
import { openMail } from "../../src/data/database";
import { Machine, type Tab } from "./world";

const machines: Machine[] = [];
afterEach(() => {
  for (const m of machines.splice(0)) for (const tab of m.tabs) if (!tab.closed) tab.mail.end();
});
async function two(): Promise<{ m: Machine; a: Tab; b: Tab }> {
  const m = new Machine();
  machines.push(m);
  for (let each = 0; each < 3; each++) m.server.deliver();
  await m.signIn();
  const a = await m.open();
  await m.until(() => a.mail.connection.sync.value.upToDate !== null);
  const b = await m.open();
  await m.rest();
  return { m, a, b };
}
const inbox = (tab: Tab) => tab.mail.lists.open({ in: { mailbox: "inbox" }, conversations: true });

test("two tabs show the same, and one of them sends", async () => {
  const { m, a, b } = await two();
  const [left, right] = [inbox(a), inbox(b)];
  await m.until(() => left.view.value.from === "server" && right.view.value.from === "server");
  m.setOnline(false);
  await b.mail.actions.archive(right.row(0)!.emails, "inbox");
  await m.until(() => left.view.value.length === 2 && a.mail.outbox.waiting.value === 1);
  m.setOnline(true);
  await m.until(() => a.mail.outbox.waiting.value === 0 && b.mail.outbox.waiting.value === 0);
  expect(m.server.all("Email").filter((each) => each.mailboxIds.archive)).toHaveLength(1);
  expect(m.server.log.filter((each) => each === "Email/set")).toHaveLength(1);
});

test("when the tab that sends is closed, the other goes on", async () => {
  const { m, a, b } = await two();
  m.setOnline(false);
  await a.mail.actions.star(["m1"]);
  a.close();
  await b.mail.actions.star(["m2"]);
  m.setOnline(true);
  await m.until(() => b.mail.outbox.waiting.value === 0);
  expect(["m1", "m2"].map((id) => m.server.get("Email", id)!.keywords.$flagged)).toEqual([true, true]);
  m.server.deliver({ id: "later" });
  const list = inbox(b);
  await m.until(() => list.view.value.length === 4);
});

test("what one tab did the other can undo, while nothing has left", async () => {
  const { m, a, b } = await two();
  m.setOnline(false);
  const made = await a.mail.drafts.create({ to: [{ name: "", email: "x@example.net" }], subject: "Hi", text: "x", format: "plain" });
  const entry = made.ok && (await a.mail.drafts.send(made.value.id));
  await m.until(() => b.mail.outbox.waiting.value === 1);
  const back = await b.mail.outbox.undo(entry && entry.ok ? entry.value.id : "");
  expect(back.ok && back.value.subject).toBe("Hi");
  await m.until(() => a.mail.outbox.waiting.value === 0);
  m.setOnline(true);
  await m.rest();
  expect(m.server.all("EmailSubmission")).toHaveLength(0);
});

test("signing out in one tab signs the other out", async () => {
  const { m, a, b } = await two();
  await a.mail.session.signOut();
  await m.until(() => b.mail.session.signIn.value.state === "out");
});

test("another person's mail isn't left on the device, unless it waits to be sent", async () => {
  const { m, a, b } = await two();
  b.close();
  a.close();
  const databases = async () => (await indexedDB.databases()).map((each) => each.name).sort();
  await (await openMail("someone")).close();
  const waits = await openMail("waiting");
  await waits.add("operations", { lane: "mail" } as never);
  waits.close();
  await m.open();
  await m.rest();
  expect(await databases()).toEqual(["holdfast", "holdfast-mail-a1", "holdfast-mail-waiting"]);
});
