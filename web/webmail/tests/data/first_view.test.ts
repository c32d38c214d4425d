import { expect, test } from "vitest";
import { Machine, Tab } from "./world";

test("what is asked before the part behind the first view is here is answered when it came", async () => {
  const m = new Machine();
  m.server.deliver({ subject: "Lunch" });
  await m.signIn();
  const tab = new Tab(m);
  m.tabs.push(tab);
  const { mail } = tab;
  while (mail.session.signIn.value.state === "unknown") await new Promise((go) => setImmediate(go));
  const found = mail.lists.open({ in: { search: "lunch" }, conversations: true });
  const thread = mail.threads.open("tm1");
  const starred = mail.actions.star(["m1"]);
  expect(mail.search.parse("lunch").text).toBe("lunch");
  await m.until(() => found.view.value.length === 1 && thread.messages.value?.[0]?.body.state === "here");
  expect(found.view.value.marks).toEqual(["lunch"]);
  expect((await starred).ok).toBe(true);
  await m.until(() => mail.outbox.waiting.value === 0);
  expect(m.server.get("Email", "m1")!.keywords.$flagged).toBe(true);
  mail.end();
});
