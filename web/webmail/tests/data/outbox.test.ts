import { afterEach, expect, test } from "vitest";
import type { Outcome } from "../../src/data/contract";
import { Machine, type Tab } from "./world";

const machines: Machine[] = [];
async function machine(mails = 3): Promise<{ m: Machine; tab: Tab }> {
  const m = new Machine();
  machines.push(m);
  for (let each = 0; each < mails; each++) m.server.deliver();
  await m.signIn();
  const tab = await m.open();
  await upToDate(m, tab);
  return { m, tab };
}
afterEach(() => {
  for (const m of machines.splice(0)) for (const tab of m.tabs) if (!tab.closed) tab.mail.end();
});

const upToDate = (m: Machine, tab: Tab) => m.until(() => tab.mail.connection.sync.value.upToDate !== null, "in sync");
const sent = (m: Machine, tab: Tab) => m.until(() => tab.mail.outbox.waiting.value === 0, "outbox empty");
function good<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.problem));
  return outcome.value;
}

test("what is done is shown at once and reaches the server", async () => {
  const { m, tab } = await machine();
  const list = tab.mail.lists.open({ in: { mailbox: "inbox" }, conversations: true });
  await m.until(() => list.view.value.from === "server");
  expect(list.view.value.length).toBe(3);
  const row = list.row(0)!;
  await tab.mail.actions.archive(row.emails, "inbox");
  expect(list.view.value.length).toBe(2);
  expect(tab.mail.mailboxes.byRole("inbox")!.total).toBe(2);
  await sent(m, tab);
  expect(m.server.get("Email", row.emails[0]!)!.mailboxIds).toEqual({ archive: true });
  await m.until(() => !list.view.value.busy);
  expect(list.view.value.length).toBe(2);
});

test("undo before it was sent leaves no trace; after it was, the opposite is done", async () => {
  const { m, tab } = await machine();
  m.setOnline(false);
  await tab.mail.actions.star(["m1"]);
  await tab.mail.actions.undo();
  expect(tab.mail.outbox.waiting.value).toBe(0);
  m.setOnline(true);
  await tab.mail.actions.star(["m1"]);
  await sent(m, tab);
  expect(m.server.get("Email", "m1")!.keywords.$flagged).toBe(true);
  await tab.mail.actions.undo();
  await sent(m, tab);
  expect(m.server.get("Email", "m1")!.keywords.$flagged).toBeUndefined();
});

test("changes of two devices merge, each keyword and mailbox by itself", async () => {
  const { m, tab } = await machine();
  m.setOnline(false);
  await tab.mail.actions.star(["m1"]);
  await tab.mail.actions.label(["m1"], "work");
  m.server.put("Email", { ...m.server.get("Email", "m1")!, keywords: { $seen: true } });
  m.setOnline(true);
  await sent(m, tab);
  const email = m.server.get("Email", "m1")!;
  expect(email.keywords).toEqual({ $seen: true, $flagged: true });
  expect(email.mailboxIds).toEqual({ inbox: true, work: true });
});

test("what the server refuses is taken back here and told", async () => {
  const { m, tab } = await machine();
  m.server.refuse = (type) => (type === "Email" ? { type: "forbidden", description: "no" } : null);
  await tab.mail.actions.star(["m1"]);
  await sent(m, tab);
  const list = tab.mail.lists.open({ in: { mailbox: "inbox" }, conversations: false });
  await m.until(() => list.view.value.rows.some((row) => row?.key === "m1"));
  expect(list.view.value.rows.find((row) => row?.key === "m1")!.starred).toBe(false);
  const [told] = tab.mail.problems.value;
  expect(told!.problem).toMatchObject({ what: "forbidden", safe: "undone", detail: "no" });
  tab.mail.seen(told!.id);
  expect(tab.mail.problems.value).toEqual([]);
});

test("an operation on what was deleted elsewhere is done, not refused", async () => {
  const { m, tab } = await machine();
  m.setOnline(false);
  await tab.mail.actions.star(["m1"]);
  m.server.destroy("Email", "m1");
  m.setOnline(true);
  await sent(m, tab);
  expect(tab.mail.problems.value).toEqual([]);
});

test("a message written offline goes out once the network is back, after the browser was closed", async () => {
  const { m, tab } = await machine();
  m.setOnline(false);
  const draft = good(await tab.mail.drafts.create({ to: [{ name: "", email: "ben@example.net" }], subject: "Hello", text: "text", format: "plain" }));
  await tab.mail.drafts.attach(draft.id, new Blob(["file"], { type: "text/plain" }), "a.txt");
  good(await tab.mail.drafts.send(draft.id));
  expect(tab.mail.outbox.entries.value.at(-1)).toMatchObject({ kind: "send", state: "waiting" });
  tab.close();
  const again = await m.open();
  expect(again.mail.outbox.waiting.value).toBe(1);
  m.setOnline(true);
  await sent(m, again);
  expect(m.server.all("EmailSubmission")).toHaveLength(1);
  const mail = m.server.all("Email").find((each) => each.subject === "Hello")!;
  expect(mail.mailboxIds).toEqual({ sent: true });
  expect(mail.keywords.$draft).toBeUndefined();
  expect(mail.attachments).toHaveLength(1);
});

/** OUT-1, OUT-3: at each request of a run, lost on the way there or on the way back, with the tab killed or not. */
for (const lost of ["before", "after"] as const) {
  for (const killed of [false, true]) {
    test(`nothing is doubled or lost when any one request is lost ${lost} the server and the tab is ${killed ? "killed" : "kept"}`, async () => {
      for (let at = 1; at <= 12; at++) {
        const { m, tab } = await machine(2);
        const draft = good(await tab.mail.drafts.create({ to: [{ name: "", email: "ben@example.net" }], subject: "Once", text: "x", format: "plain", about: { email: "m1", as: "reply" } }));
        await tab.mail.drafts.put(draft.id);
        await sent(m, tab);
        const begin = m.server.requests;
        let now = tab;
        let kills = 0;
        m.server.fault = (number) => {
          if (number !== begin + at) return "none";
          if (killed && kills++ === 0) now.close();
          return lost;
        };
        await tab.mail.actions.archive(["m2"], "inbox");
        await tab.mail.contacts.create({ kind: "person", name: "Ben", given: "", surname: "", nickname: "", organization: "", title: "", emails: [{ address: "ben@example.net", label: "" }], phones: [], addresses: [], birthday: "", note: "", members: [] });
        await tab.mail.mailboxes.create("New");
        await tab.mail.drafts.send(draft.id);
        await m.until(() => tab.closed || (tab.mail.outbox.waiting.value === 0 && m.server.requests > begin + at), `request ${at}`).catch(() => undefined);
        if (tab.closed) now = await m.open();
        await sent(m, now);
        const copies = m.server.all("Email").filter((each) => each.subject === "Once");
        expect(m.server.all("EmailSubmission"), `submissions, request ${at}`).toHaveLength(1);
        expect(copies.filter((each) => each.mailboxIds.sent), `sent, request ${at}`).toHaveLength(1);
        expect(m.server.all("ContactCard"), `contacts, request ${at}`).toHaveLength(1);
        expect(m.server.all("Mailbox").filter((each) => each.name === "New"), `mailboxes, request ${at}`).toHaveLength(1);
        expect(m.server.get("Email", "m2")!.mailboxIds).toEqual({ archive: true });
        for (const each of m.tabs) if (!each.closed) each.mail.end();
      }
    });
  }
}

test("undo of sending brings the draft back, at the server and here", async () => {
  const { m, tab } = await machine();
  const draft = good(await tab.mail.drafts.create({ to: [{ name: "", email: "ben@example.net" }], subject: "Oops", text: "x", format: "plain" }));
  const entry = good(await tab.mail.drafts.send(draft.id));
  await m.until(() => tab.mail.outbox.entries.value.some((each) => each.state === "held"));
  const back = good(await tab.mail.outbox.undo(entry.id));
  expect(back.subject).toBe("Oops");
  expect(tab.mail.drafts.here.value.map((each) => each.id)).toContain(draft.id);
  expect(m.server.all("EmailSubmission")[0]!.undoStatus).toBe("canceled");
  expect(m.server.all("Email").find((each) => each.subject === "Oops")!.mailboxIds).toEqual({ drafts: true });
  good(await tab.mail.drafts.send(draft.id));
  await m.until(() => m.server.all("EmailSubmission").length === 2);
  await sent(m, tab);
  expect(m.server.all("Email").filter((each) => each.subject === "Oops")).toHaveLength(1);
});

test("undo while it is being sent waits for the server's answer and takes it back", async () => {
  const { m, tab } = await machine();
  const draft = good(await tab.mail.drafts.create({ to: [{ name: "", email: "ben@example.net" }], subject: "Oops", text: "x", format: "plain" }));
  const entry = good(await tab.mail.drafts.send(draft.id));
  await m.until(() => tab.mail.outbox.entries.value.some((each) => each.state === "sending"));
  expect(good(await tab.mail.outbox.undo(entry.id)).subject).toBe("Oops");
  expect(m.server.all("EmailSubmission").map((each) => each.undoStatus)).toEqual(["canceled"]);
  expect(tab.mail.outbox.entries.value).toEqual([]);
});

test("undo while it is being sent, when the answer is lost, says that the server isn't reached", async () => {
  const { m, tab } = await machine();
  const draft = good(await tab.mail.drafts.create({ to: [{ name: "", email: "ben@example.net" }], subject: "Oops", text: "x", format: "plain" }));
  const entry = good(await tab.mail.drafts.send(draft.id));
  m.server.fault = () => "after";
  await m.until(() => tab.mail.outbox.entries.value.some((each) => each.state === "sending"));
  expect(await tab.mail.outbox.undo(entry.id)).toMatchObject({ ok: false, problem: { what: "unreachable", safe: "unchanged" } });
});

test("a draft that was changed elsewhere becomes a second one", async () => {
  const { m, tab } = await machine();
  const draft = good(await tab.mail.drafts.create({ subject: "Plan", text: "mine", format: "plain" }));
  await tab.mail.drafts.put(draft.id);
  await sent(m, tab);
  const first = m.server.all("Email").find((each) => each.subject === "Plan")!;
  m.server.destroy("Email", first.id);
  m.server.deliver({ subject: "Another", mailboxIds: { drafts: true }, keywords: { $draft: true } });
  const theirs = m.server.deliver({ subject: "Plan", text: "theirs", mailboxIds: { drafts: true }, keywords: { $draft: true }, receivedAt: new Date(m.time + 1000).toISOString().slice(0, 19) + "Z" });
  good(await tab.mail.drafts.save({ ...draft, text: "mine, longer" }));
  await tab.mail.drafts.put(draft.id);
  await sent(m, tab);
  expect(m.server.all("Email").filter((each) => each.subject === "Plan").map((each) => each.text).sort()).toEqual(["mine, longer", "theirs"]);
  expect(tab.mail.drafts.watch(draft.id).value!.conflict).toEqual({ other: theirs });
});

test("a draft that was sent elsewhere is not removed from Sent by saving it here", async () => {
  const { m, tab } = await machine();
  const draft = good(await tab.mail.drafts.create({ subject: "Plan", text: "mine", format: "plain" }));
  await tab.mail.drafts.put(draft.id);
  await sent(m, tab);
  const first = m.server.all("Email").find((each) => each.subject === "Plan")!;
  m.server.put("Email", { ...first, mailboxIds: { sent: true }, keywords: { $seen: true } });
  good(await tab.mail.drafts.save({ ...draft, text: "later" }));
  await tab.mail.drafts.put(draft.id);
  await sent(m, tab);
  expect(m.server.get("Email", first.id)).toBeDefined();
});

test("an address that can't be one is refused before anything is sent", async () => {
  const { tab } = await machine();
  const draft = good(await tab.mail.drafts.create({ to: [{ name: "", email: "no address" }] }));
  const outcome = await tab.mail.drafts.send(draft.id);
  expect(outcome).toMatchObject({ ok: false, problem: { what: "recipient", safe: "draft", addresses: ["no address"] } });
});

test("what is written into a folder made offline lands in it", async () => {
  const { m, tab } = await machine();
  m.setOnline(false);
  const id = good(await tab.mail.mailboxes.create("Trip"));
  await tab.mail.actions.move(["m1"], "inbox", id);
  expect(tab.mail.mailboxes.byId(id)!.total).toBe(1);
  m.setOnline(true);
  await sent(m, tab);
  const made = m.server.all("Mailbox").find((each) => each.name === "Trip")!;
  expect(m.server.get("Email", "m1")!.mailboxIds).toEqual({ [made.id]: true });
  expect(tab.mail.mailboxes.byId(id)!.id).toBe(made.id);
});
