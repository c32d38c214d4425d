// @vitest-environment happy-dom
import { render } from "preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { begin } from "../../src/compose/begin";
import { Composer } from "../../src/compose/composer";
import { check, discard, putAway, send } from "../../src/compose/sending";
import { Writing } from "../../src/compose/writing";
import { mail, provide } from "../../src/data";
import { sample, type Sample } from "../../src/data/sample";
import { speak } from "../../src/texts";
import type { ComposeRoute } from "../../src/ui/router";

let here: Sample;
let room: HTMLElement;
const done = vi.fn();

beforeEach(async () => {
  here = sample({ conversations: 20 });
  provide(here);
  await mail.settings.set({ format: "plain" });
  await speak("en");
  room = document.createElement("div");
  document.body.append(room);
});
afterEach(() => {
  render(null, room);
  room.remove();
  vi.useRealTimers();
});

const route = (more: Partial<ComposeRoute> = {}): ComposeRoute => ({ view: "compose", kind: "new", fields: {}, ...more });

async function write(more: Partial<ComposeRoute> = {}): Promise<Writing> {
  const begun = await begin(route(more));
  if (!begun.ok) throw new Error(begun.problem.what);
  return new Writing(begun.value);
}

async function shown(more: Partial<ComposeRoute> = {}): Promise<Writing> {
  const writing = await write(more);
  render(<Composer writing={writing} heading="h1" onDone={done} />, room);
  await settled();
  return writing;
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 30));
const named = (name: string) => [...room.querySelectorAll<HTMLElement>("button, input, textarea, select")].find(
  (each) => [each.getAttribute("aria-label"), each.textContent, (each as HTMLInputElement).labels?.[0]?.textContent].some((one) => one?.trim() === name),
)!;
const type = (field: HTMLElement, text: string) => {
  (field as HTMLInputElement).value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
};
const press = (field: HTMLElement, key: string, more: KeyboardEventInit = {}) =>
  field.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
const firstOf = async () => {
  const list = mail.lists.open({ in: { mailbox: "inbox" }, conversations: false });
  list.show(0, 5);
  await settled();
  const message = await mail.threads.message(list.row(0)!.emails[0]!);
  if (!message.ok) throw new Error("no message");
  return message.value;
};

describe("how a message begins", () => {
  it("a new one with what a mailto: link says, and with the signature", async () => {
    const { draft } = await write({ fields: { to: "Ben <ben@example.net>", subject: "Hi", body: "Text" } });
    expect(draft.value).toMatchObject({ to: [{ name: "Ben", email: "ben@example.net" }], subject: "Hi" });
    expect(draft.value.text).toMatch(/^Text\n\n-- \nAnna Muster/);
  });
  it("an answer goes to the sender, quotes, and comes from the address that was asked", async () => {
    const message = await firstOf();
    const { draft } = await write({ kind: "reply", about: message.id });
    expect(draft.value.to).toEqual(message.from);
    expect(draft.value.about).toEqual({ email: message.id, as: "reply" });
    expect(draft.value.subject).toMatch(/^Re: /);
    expect(draft.value.text).toContain("\n> ");
    expect(mail.identities.all.value?.find((each) => each.id === draft.value.identity)?.email).toBe(message.to[0]?.email);
  });
  it("an answer to all leaves me out", async () => {
    const message = await firstOf();
    const { draft } = await write({ kind: "replyAll", about: message.id });
    const mine = mail.identities.all.value!.map((each) => each.email);
    expect([...draft.value.to, ...draft.value.cc].some((each) => mine.includes(each.email))).toBe(false);
  });
  it("one sent on has no recipients and keeps the head of the other", async () => {
    const message = await firstOf();
    const { draft } = await write({ kind: "forward", about: message.id });
    expect(draft.value.to).toEqual([]);
    expect(draft.value.text).toContain(`Subject: ${message.subject}`);
  });
  it("as an attachment it brings the message along", async () => {
    const message = await firstOf();
    const writing = await write({ kind: "asAttachment", about: message.id });
    expect(writing.attachments.value).toMatchObject([{ type: "message/rfc822" }]);
    expect(writing.attachments.value[0]?.name).toMatch(/\.eml$/);
  });
  it("a quoted message that isn't on this device is missing, and said to be", async () => {
    const message = await firstOf();
    vi.spyOn(here.threads, "message").mockResolvedValue({ ok: true, value: { ...message, body: { state: "missing", problem: { what: "not-here", safe: "unchanged", remedy: "wait" } } } });
    const writing = await shown({ kind: "reply", about: message.id });
    expect(writing.unquoted).toBe(true);
    expect(room.textContent).toContain("isn’t on this device");
  });
});

describe("the field of recipients", () => {
  it("completes from contacts with the keyboard alone", async () => {
    const writing = await shown();
    const field = named("To");
    type(field, "maria");
    await settled();
    expect(field.getAttribute("aria-expanded")).toBe("true");
    expect(room.querySelector(`#${field.getAttribute("aria-activedescendant")}`)?.getAttribute("aria-selected")).toBe("true");
    press(field, "Enter");
    await settled();
    expect(writing.draft.value.to).toMatchObject([{ name: "Maria Özdemir" }]);
    expect(field.getAttribute("aria-expanded")).toBe("false");
  });
  it("ends an address at a comma, says what is wrong with it, and lets it be corrected", async () => {
    const writing = await shown();
    const field = named("To") as HTMLInputElement;
    type(field, "foo");
    await settled();
    press(field, ",");
    await settled();
    expect(field.getAttribute("aria-invalid")).toBe("true");
    expect(document.getElementById(field.getAttribute("aria-describedby")!)?.textContent).toContain("“foo” has no domain");
    named("Correct foo").click();
    await settled();
    expect(field.value).toBe("foo");
    expect(writing.draft.value.to).toEqual([]);
  });
  it("gives a chip back to the keyboard, which removes it", async () => {
    const writing = await shown({ fields: { to: "a@x.example, b@x.example" } });
    const field = named("To");
    field.focus();
    press(field, "Backspace");
    await settled();
    expect(document.activeElement?.getAttribute("aria-label")).toBe("Correct b@x.example");
    press(document.activeElement as HTMLElement, "Delete");
    await settled();
    expect(writing.draft.value.to.map((each) => each.email)).toEqual(["a@x.example"]);
  });
});

describe("before it is sent", () => {
  const checked = async (fields: Record<string, string>) => check(await write({ fields }));
  it("somebody must be there to get it, at an address", async () => {
    expect((await checked({ subject: "x" })).recipients).toBe(true);
    expect((await checked({ to: "foo", subject: "x" })).recipients).toBe(true);
    expect(await checked({ to: "a@x.example", subject: "x" })).toEqual({ errors: [], recipients: false, doubts: [] });
  });
  it("a forgotten subject, a forgotten attachment and an odd address are asked about", async () => {
    expect((await checked({ to: "a@x.example", body: "siehe Anhang" })).doubts).toHaveLength(2);
    expect((await checked({ to: "a@xn--pple-43d.com", subject: "x" })).doubts).toHaveLength(1);
  });
  it("nothing is asked about an attachment that is there, or when that is switched off", async () => {
    const writing = await write({ fields: { to: "a@x.example", subject: "x", body: "see attachment" } });
    await mail.drafts.attach(writing.id, new Blob(["x"]), "x.txt");
    expect(check(writing).doubts).toEqual([]);
    await mail.settings.set({ attachmentReminder: false });
    expect((await checked({ to: "a@x.example", subject: "x", body: "see attachment" })).doubts).toEqual([]);
  });
  it("attachments must not be larger than what can be sent", async () => {
    const writing = await write({ fields: { to: "a@x.example", subject: "x" } });
    await mail.drafts.attach(writing.id, { size: 30_000_000, type: "" } as Blob, "big.bin");
    expect(check(writing).errors[0]).toContain("too large");
  });
});

describe("sending", () => {
  it("by Ctrl+Enter, and it can be taken back", async () => {
    const writing = await shown({ fields: { to: "a@x.example", subject: "Hello" } });
    press(named("Subject"), "Enter", { ctrlKey: true });
    await vi.waitFor(() => expect(mail.outbox.entries.value).toMatchObject([{ subject: "Hello", state: "held" }]));
    expect(done).toHaveBeenCalled();
    const back = await mail.outbox.undo(mail.outbox.entries.value[0]!.id);
    expect(back.ok && back.value.id).toBe(writing.id);
  });
  it("waits for an answer where there is a doubt", async () => {
    await shown({ fields: { to: "a@x.example" } });
    named("Send").click();
    await vi.waitFor(() => expect(document.body.textContent).toContain("has no subject"));
    expect(mail.outbox.entries.value).toEqual([]);
    [...document.querySelectorAll("button")].find((each) => each.textContent === "Send anyway")!.click();
    await vi.waitFor(() => expect(mail.outbox.entries.value).toHaveLength(1));
  });
  it("sends what was typed a moment ago", async () => {
    const writing = await write({ fields: { to: "a@x.example", subject: "x" } });
    writing.change({ text: "typed last" });
    await send(writing);
    const back = await mail.outbox.undo(mail.outbox.entries.value[0]!.id);
    expect(back.ok && back.value.text).toBe("typed last");
  });
});

describe("drafts", () => {
  it("are written after a pause of typing", async () => {
    const writing = await write();
    const save = vi.spyOn(here.drafts, "save");
    vi.useFakeTimers();
    for (const subject of ["a", "ab", "abc"]) writing.change({ subject });
    expect(save).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1500);
    expect(save).toHaveBeenCalledTimes(1);
    expect(save.mock.calls[0]?.[0].subject).toBe("abc");
  });
  it("stay when the window is closed by Esc, and go when nothing was written", async () => {
    const [put, gone] = [vi.spyOn(here.drafts, "put"), vi.spyOn(here.drafts, "discard")];
    const writing = await write();
    writing.change({ subject: "kept" });
    await putAway(writing);
    expect(put).toHaveBeenCalledWith(writing.id);
    await putAway(await write());
    await putAway(await write({ kind: "reply", about: (await firstOf()).id }));
    expect(gone).toHaveBeenCalledTimes(2);
    await putAway(await write({ kind: "draft", about: writing.id }));
    expect(gone).toHaveBeenCalledTimes(2);
  });
  it("that can't be written stay open, and say so", async () => {
    const writing = await write();
    vi.spyOn(here.drafts, "save").mockResolvedValue({ ok: false, problem: { what: "device-full", safe: "unchanged", remedy: "free-space" } });
    const put = vi.spyOn(here.drafts, "put");
    writing.change({ subject: "x" });
    await putAway(writing);
    expect(put).not.toHaveBeenCalled();
    expect(writing.problem.value?.what).toBe("device-full");
  });
  it("that were thrown away come back", async () => {
    const writing = await write({ fields: { subject: "x" } });
    await discard(writing);
    expect(mail.drafts.here.value).toEqual([]);
    const back = await mail.drafts.restore(writing.id);
    expect(back.ok && back.value.subject).toBe("x");
  });
});

it("another sender brings its signature", async () => {
  const all = mail.identities.all.value!;
  await mail.identities.update(all[1]!.id, { textSignature: "The club" });
  const writing = await shown();
  const select = named("From") as HTMLSelectElement;
  select.value = all[1]!.id;
  select.dispatchEvent(new Event("change", { bubbles: true }));
  await settled();
  expect(writing.draft.value.identity).toBe(all[1]!.id);
  expect(writing.draft.value.text).toBe("\n\n-- \nThe club");
});
