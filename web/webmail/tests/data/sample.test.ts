import { expect, test } from "vitest";
import { sample } from "../../src/data/sample";

test("archiving takes a conversation out of the inbox, and undo brings it back", async () => {
  const mail = sample();
  const list = mail.lists.open({ in: { mailbox: "inbox" }, conversations: true });
  const length = list.view.value.length!;
  const row = list.row(0)!;
  await mail.actions.archive(row.emails, "inbox");
  expect(list.view.value.length).toBe(length - 1);
  expect(list.indexOf(row.key)).toBe(-1);
  await mail.actions.undo();
  expect(list.row(0)!.key).toBe(row.key);
});

test("a draft is sent to Sent", async () => {
  const mail = sample({ conversations: 3 });
  const made = await mail.drafts.create({ to: [{ name: "", email: "ben@example.org" }], subject: "Hallo" });
  expect(made.ok && (await mail.drafts.send(made.value.id)).ok).toBe(true);
  await mail.outbox.sendNow(mail.outbox.entries.value[0]!.id);
  const sent = mail.lists.open({ in: { mailbox: "sent" }, conversations: false });
  expect(sent.row(0)!.subject).toBe("Hallo");
});
