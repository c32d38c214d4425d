// @vitest-environment happy-dom
import { render } from "preact";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { DEFAULT_SETTINGS, mail, provide } from "../../src/data";
import { sample, type Sample } from "../../src/data/sample";
import Settings from "../../src/settings";
import { speak } from "../../src/texts";

let here: Sample;
let room: HTMLElement;
const settled = () => new Promise((resolve) => setTimeout(resolve, 30));
const draw = async (page: string) => {
  render(<Settings route={{ view: "settings", page }} />, room);
  await settled();
};
const button = (text: string) => [...document.querySelectorAll<HTMLElement>("button, a")].find((each) => [each.textContent, each.getAttribute("aria-label")].includes(text))!;
const choose = async (text: string) => {
  [...room.querySelectorAll("label")].find((each) => each.textContent?.startsWith(text))!.querySelector("input")!.click();
  await settled();
};
const select = async (label: string, value: string) => {
  const id = [...room.querySelectorAll("label")].find((each) => each.textContent === label)!.htmlFor;
  const field = document.getElementById(id) as HTMLSelectElement;
  field.value = value;
  field.dispatchEvent(new Event("change", { bubbles: true }));
  await settled();
};

beforeAll(async () => {
  here = sample({ conversations: 2 });
  provide(here);
  await speak("en");
});
beforeEach(async () => {
  await here.settings.set(DEFAULT_SETTINGS);
  room = document.createElement("div");
  document.body.append(room);
});
afterEach(() => {
  render(null, room);
  room.remove();
});

describe("each setting is kept at once", () => {
  it.each([
    ["general", "Dark", { theme: "dark" }],
    ["general", "Compact", { density: "compact" }],
    ["reading", "Below the list", { reading: "below" }],
    ["reading", "Group messages", { conversations: false }],
    ["reading", "Show those of senders in my contacts", { images: "contacts" }],
    ["reading", "Only by hand", { markRead: "never" }],
    ["writing", "Plain text", { format: "plain" }],
    ["writing", "Below the quoted message", { quote: "below" }],
    ["writing", "Remind me", { attachmentReminder: false }],
    ["keys", "Like Fastmail", { keys: "fastmail" }],
  ])("%s: %s", async (page, text, expected) => {
    await draw(page);
    await choose(text);
    expect(mail.settings.now.value).toMatchObject(expected);
  });
  it.each([
    ["general", "Language", "de", { language: "de" }],
    ["writing", "Time to take back a sent message", "30", { undoSeconds: 30 }],
    ["device", "Messages kept on this device", "90", { offlineDays: 90 }],
  ])("%s: %s", async (page, label, value, expected) => {
    await draw(page);
    await select(label, value);
    expect(mail.settings.now.value).toMatchObject(expected);
  });
  it("one that can't be kept says so", async () => {
    vi.spyOn(here.settings, "set").mockResolvedValue({ ok: false, problem: { what: "device-full", safe: "unchanged", remedy: "free-space" } });
    const { Toasts } = await import("../../src/ui/pieces/toast");
    render(<Toasts />, room.appendChild(document.createElement("div")));
    const page = room.appendChild(document.createElement("div"));
    render(<Settings route={{ view: "settings", page: "general" }} />, page);
    await settled();
    await choose("Dark");
    expect(room.querySelector(".toast.bad")).not.toBeNull();
  });
});

it.each([
  ["on", "Also while the webmail is closed"], ["waiting", "being set up"], ["failed", "couldn’t be reached"],
  ["unsupported", "this browser takes no messages"], ["unoffered", "the service offers no more"],
] as const)("what comes of notifications while the webmail is closed is said: %s", async (state, text) => {
  vi.spyOn(here.device.notifications, "value", "get").mockReturnValue("on");
  vi.spyOn(here.device.push, "value", "get").mockReturnValue(state);
  await draw("general");
  expect(room.querySelector("[role=status]")?.textContent).toContain(text);
});

it("senders whose images are shown can be taken back", async () => {
  await mail.settings.set({ imagesFrom: ["a@x.example", "b@x.example"] });
  await draw("reading");
  button("Ask again for images of a@x.example").click();
  await settled();
  expect(mail.settings.now.value.imagesFrom).toEqual(["b@x.example"]);
});

describe("keys", () => {
  const change = async (key: string) => {
    await draw("keys");
    button("Change the key for: Archive").click();
    await settled();
    document.querySelector(".key-input")!.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    await settled();
  };
  it("of one's own take the place of the usual", async () => {
    await change("q");
    button("Save").closest("form")!.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
    await settled();
    expect(mail.settings.now.value.ownKeys).toEqual({ archive: "q" });
  });
  it("that are taken are refused, with whose they are", async () => {
    await change("j");
    expect(document.querySelector("[role=alert]")?.textContent).toContain("Next conversation");
    expect((button("Save") as HTMLButtonElement).disabled).toBe(true);
  });
});

describe("leaving this device", () => {
  it("says what waits before anything is lost", async () => {
    await draw("account");
    here.set.outbox([{ id: "1", kind: "send", action: null, draft: null, subject: "x", to: [], count: 1, made: 0, state: "waiting", at: null, problem: null, tries: 0 }]);
    await settled();
    const signOut = vi.spyOn(here.session, "signOut").mockResolvedValue({ ok: true, value: undefined });
    button("Sign out").click();
    await settled();
    expect(document.querySelector("dialog")?.textContent).toContain("1 change isn’t at the server yet");
    expect(signOut).not.toHaveBeenCalled();
    button("Sign out and lose them").click();
    await settled();
    expect(signOut).toHaveBeenCalledTimes(1);
  });
  it("links to the pages of the account, where there are some", async () => {
    await draw("account");
    expect(button("Open the page").getAttribute("href")).toBe(mail.session.links.value.accounts);
    expect(button("Open the status page")).toBeUndefined();
  });
});

it("clearing the device is asked for first, and says what stays", async () => {
  await draw("device");
  const clear = vi.spyOn(here.device, "clear");
  button("Clear texts and attachments").click();
  await settled();
  expect(document.querySelector("dialog")?.textContent).toContain("what waits to be sent stay");
  expect(clear).not.toHaveBeenCalled();
});
