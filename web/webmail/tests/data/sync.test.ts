import { afterEach, expect, test } from "vitest";
import { Machine, type Tab } from "./world";

const machines: Machine[] = [];
async function machine(mails = 3): Promise<Machine> {
  const m = new Machine();
  machines.push(m);
  for (let each = 0; each < mails; each++) m.server.deliver();
  await m.signIn();
  return m;
}
afterEach(() => {
  for (const m of machines.splice(0)) for (const tab of m.tabs) if (!tab.closed) tab.mail.end();
});
const upToDate = (m: Machine, tab: Tab) => m.until(() => tab.mail.connection.sync.value.upToDate !== null && tab.mail.connection.sync.value.phase === "idle", "in sync");

/** What the device believes, as one comparable thing. */
function believed(m: Machine, tab: Tab) {
  const wasOnline = m.online;
  m.online = false;
  const seen: Record<string, string[]> = {};
  for (const box of tab.mail.mailboxes.all.value!) {
    const list = tab.mail.lists.open({ in: { mailbox: box.id }, conversations: false });
    list.show(0, 10_000);
    seen[box.name] = (list.view.value.rows ?? []).map((row) => `${row!.key}${row!.unread ? "*" : ""}${row!.starred ? "!" : ""}`).sort();
    list.close();
  }
  m.online = wasOnline;
  return seen;
}
function true_(m: Machine) {
  return Object.fromEntries(m.server.all("Mailbox").map((box) => [box.name, m.server.all("Email").filter((each) => each.mailboxIds[box.id])
    .map((each) => `${each.id}${each.keywords.$seen ? "" : "*"}${each.keywords.$flagged ? "!" : ""}`).sort()]));
}

test("the first sync brings mail, folders and texts, newest first", async () => {
  const m = await machine(250);
  const tab = await m.open();
  await upToDate(m, tab);
  expect(believed(m, tab)).toEqual(true_(m));
  await m.until(() => tab.mail.device.state.value.bodies === 250);
});

/** SYNC-1, SYNC-2 */
test("after any interruption of the first sync or of changes the device equals the server", async () => {
  for (let at = 1; at <= 9; at++) {
    const m = await machine(130);
    m.server.fault = (number) => {
      if (number === at) {
        m.tabs[0]!.close();
        return number % 2 ? "before" : "after";
      }
      return "none";
    };
    void m.open().catch(() => undefined);
    await m.until(() => m.tabs[0]?.closed === true || m.tabs[0]?.mail.connection.sync.value.upToDate != null);
    m.server.destroy("Email", "m5");
    m.server.put("Email", { ...m.server.get("Email", "m60")!, keywords: { $seen: true, $flagged: true } });
    m.server.deliver({ mailboxIds: { work: true } });
    const again = await m.open();
    await upToDate(m, again);
    await m.rest();
    await upToDate(m, again);
    expect(believed(m, again), `interrupted at request ${at}`).toEqual(true_(m));
    for (const tab of m.tabs) if (!tab.closed) tab.mail.end();
  }
});

test("changes come by push, and are announced", async () => {
  const m = await machine();
  const tab = await m.open();
  await upToDate(m, tab);
  await m.rest();
  const list = tab.mail.lists.open({ in: { mailbox: "inbox" }, conversations: true });
  await m.until(() => list.view.value.from === "server" && !list.view.value.busy);
  m.server.deliver({ id: "new", subject: "Fresh", receivedAt: new Date(m.time).toISOString() });
  await m.until(() => list.view.value.length === 4 && list.row(0)?.subject === "Fresh");
  expect(tab.mail.arrival.value).toMatchObject({ count: 1, first: { subject: "Fresh" } });
});

test("changes that the server can't tell any more are found by comparing", async () => {
  const m = await machine(40);
  const tab = await m.open();
  await upToDate(m, tab);
  tab.close();
  m.server.destroy("Email", "m7");
  m.server.deliver({ mailboxIds: { work: true } });
  m.server.oldest = m.server.modseq;
  const again = await m.open();
  await upToDate(m, again);
  await m.rest();
  await upToDate(m, again);
  expect(believed(m, again)).toEqual(true_(m));
});

for (const mode of ["down", "frozen", "503", "unavailable"] as const) {
  test(`a server that is ${mode} is trouble, and never an empty mailbox`, async () => {
    const m = await machine();
    const first = await m.open();
    await upToDate(m, first);
    await m.until(() => first.mail.device.state.value.bodies === 3);
    first.close();
    m.server.dropStreams();
    m.server.mode = mode;
    const tab = await m.open();
    const list = tab.mail.lists.open({ in: { mailbox: "inbox" }, conversations: true });
    await m.until(() => tab.mail.connection.now.value.state === "trouble");
    const began = m.time;
    expect(list.view.value).toMatchObject({ length: 3, from: "device" });
    const now = tab.mail.connection.now.value;
    expect(now.state === "trouble" && now.faults[0]).toMatchObject({ name: "webmail", source: "seen" });
    expect(m.time - began).toBeLessThan(11_000);
    const thread = tab.mail.threads.open(list.row(0)!.thread);
    await m.until(() => thread.messages.value?.[0]?.body.state === "here");
    await tab.mail.actions.archive(list.row(0)!.emails, "inbox");
    expect(list.view.value.length).toBe(2);
    m.server.mode = "up";
    await m.until(() => tab.mail.connection.now.value.state === "online" && tab.mail.outbox.waiting.value === 0);
    await m.until(() => list.view.value.from === "server");
    expect(list.view.value.length).toBe(2);
    expect(m.server.all("Email").filter((each) => each.mailboxIds.archive)).toHaveLength(1);
  });
}

test("a list that is open when the service goes stays as it is; one that is opened then has what is on the device", async () => {
  const m = await machine(3);
  // More than a page, from before what is kept here.
  for (let each = 0; each < 80; each++) m.server.deliver({ id: `old${each}`, receivedAt: new Date(m.time - (60 * 86_400 + each) * 1000).toISOString().slice(0, 19) + "Z" });
  const tab = await m.open();
  await upToDate(m, tab);
  const list = tab.mail.lists.open({ in: { mailbox: "inbox" }, conversations: true });
  list.show(0, 10);
  await m.until(() => list.view.value.from === "server" && !list.view.value.busy);
  const before = list.view.value.rows.map((row) => row!.key);
  m.server.dropStreams();
  m.server.mode = "down";
  list.refresh();
  await m.until(() => list.view.value.problem !== null && tab.mail.connection.now.value.state === "trouble");
  expect(list.view.value).toMatchObject({ length: 83, from: "server" });
  expect(list.view.value.rows.map((row) => row!.key)).toEqual(before);
  list.show(60, 83);
  await m.rest();
  expect(list.view.value.length).toBe(83);
  await tab.mail.actions.archive(list.row(0)!.emails, "inbox");
  expect(list.view.value.length).toBe(82);
  const anew = tab.mail.lists.open({ in: { mailbox: "inbox" }, conversations: true });
  await m.until(() => anew.view.value.length !== null);
  expect(anew.view.value).toMatchObject({ from: "device", complete: false });
  expect(anew.view.value.length).toBeLessThan(82);
  m.server.mode = "up";
  await m.until(() => list.view.value.problem === null && list.row(81) !== null, "all there again");
  expect(list.view.value.length).toBe(82);
});

test("a token that has run out is renewed once, however many ask", async () => {
  const m = await machine();
  const tab = await m.open();
  await upToDate(m, tab);
  m.server.tokens = { access: "other", refresh: m.server.tokens.refresh };
  const lists = ["inbox", "work", "sent"].map((id) => tab.mail.lists.open({ in: { mailbox: id }, conversations: true }));
  await m.until(() => lists.every((each) => each.view.value.from === "server"));
  expect(tab.mail.session.signIn.value).toMatchObject({ state: "in", renew: false });
});

test("when the server wants a new sign-in, what is here stays readable and what is done is kept", async () => {
  const m = await machine();
  const tab = await m.open();
  await upToDate(m, tab);
  m.server.tokens = { access: "other", refresh: "other" };
  await tab.mail.actions.star(["m1"]);
  await m.until(() => {
    const now = tab.mail.session.signIn.value;
    return now.state === "in" && now.renew;
  });
  await m.rest();
  expect(tab.mail.outbox.waiting.value).toBe(1);
  expect(tab.mail.lists.open({ in: { mailbox: "inbox" }, conversations: true }).view.value.length).toBe(3);
});

test("signing out leaves nothing on the device", async () => {
  const m = await machine();
  const tab = await m.open();
  await upToDate(m, tab);
  await tab.mail.session.signOut();
  expect(tab.mail.session.signIn.value).toMatchObject({ state: "out", why: "signed-out" });
  expect((await indexedDB.databases()).map((each) => each.name)).toEqual(["holdfast"]);
});

test("when more days are wanted, older mail comes too", async () => {
  const m = await machine(3);
  m.server.deliver({ id: "old", receivedAt: new Date(m.time - 60 * 86_400_000).toISOString() });
  const tab = await m.open();
  await upToDate(m, tab);
  await m.until(() => tab.mail.device.state.value.bodies === 3);
  await tab.mail.settings.set({ offlineDays: 90 });
  await m.until(() => tab.mail.device.state.value.bodies === 4);
});

test("small attachments of the last days are on the device, and whatever was opened", async () => {
  const m = await machine(1);
  const days = (count: number) => new Date(m.time - count * 86_400_000).toISOString().slice(0, 19) + "Z";
  const [small, large, old] = [m.server.file("small.pdf", 1_000), m.server.file("large.pdf", 300_000), m.server.file("old.pdf", 1_000)];
  m.server.deliver({ id: "a", receivedAt: days(20), attachments: [small, large, { ...small, partId: "gone", blobId: "gone" }] });
  m.server.deliver({ id: "b", receivedAt: days(40), attachments: [old] });
  const tab = await m.open();
  await upToDate(m, tab);
  const thread = tab.mail.threads.open("ta");
  const here = () => thread.messages.value?.[0]?.attachments.map((each) => each.here);
  await m.until(() => here()?.[0] === true);
  expect(here()).toEqual([true, false, false]);
  await tab.mail.threads.attachment("a", large.partId);
  await m.until(() => here()![1]!);
  const other = tab.mail.threads.open("tb");
  await m.until(() => other.messages.value?.[0]?.attachments[0]?.here === false);
  m.setOnline(false);
  expect((await tab.mail.threads.attachment("a", small.partId)).ok).toBe(true);
  expect((await tab.mail.threads.attachment("b", old.partId)).ok).toBe(false);
});

test("when fewer days are wanted, older texts and their attachments go", async () => {
  const m = await machine(2);
  const file = m.server.file("old.pdf", 1_000);
  m.server.deliver({ id: "old", text: "Weihnachten", receivedAt: new Date(m.time - 20 * 86_400_000).toISOString().slice(0, 19) + "Z", attachments: [file] });
  const tab = await m.open();
  await upToDate(m, tab);
  const thread = tab.mail.threads.open("told");
  await m.until(() => thread.messages.value?.[0]?.attachments[0]?.here === true);
  thread.close();
  const found = async () => {
    let rows: unknown[] | null = null;
    void tab.mail.search.quick("weihnachten", 5).then((got) => (rows = got));
    await m.until(() => rows !== null);
    return rows!;
  };
  expect(await found()).toHaveLength(1);
  await tab.mail.settings.set({ offlineDays: 7 });
  await m.until(() => tab.mail.device.state.value.bodies === 2);
  await m.rest();
  expect(await found()).toHaveLength(0);
  m.setOnline(false);
  expect((await tab.mail.threads.attachment("old", file.partId)).ok).toBe(false);
});

test("a slow answer that goes on is waited for; one that stops is not", async () => {
  const m = await machine(3);
  const tab = await m.open();
  await upToDate(m, tab);
  m.server.slow = { pieces: 14, pass: (ms) => m.elapse(ms) };
  expect((await tab.mail.threads.source("m1")).ok).toBe(false); // there is no such blob, but that was answered
  await tab.mail.actions.star(["m1"]);
  await m.until(() => tab.mail.outbox.waiting.value === 0);
  expect(tab.mail.connection.now.value.state).toBe("online");
});
