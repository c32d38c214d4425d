// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Sample } from "../../src/data/sample";
import { cursor, list, selected } from "../../src/ui/list/current";
import { route } from "../../src/ui/router";
import { byLabel, leave, press, rows, settled, stage, texts, visit } from "./stage";

let mail: Sample;
const key = (place: number) => list.value?.row(place)?.key ?? "";
const open = () => (route.value.view === "mail" ? route.value.thread : undefined);

beforeEach(async () => {
  mail = await stage();
});
afterEach(leave);

describe("a list", () => {
  it("draws a screenful and says how long it is", () => {
    const grid = document.querySelector("[role=grid]");
    expect(Number(grid?.getAttribute("aria-rowcount"))).toBe(list.value?.view.value.length);
    expect(rows().length).toBeGreaterThan(0);
    expect(rows().length).toBeLessThan(list.value?.view.value.length ?? 0);
    expect(rows()[0]?.getAttribute("aria-rowindex")).toBe("1");
  });

  it("has one row in the order of Tab, and it is the one with the cursor", async () => {
    await press("j");
    await press("j");
    expect(
      rows()
        .filter((each) => each.tabIndex === 0)
        .map((each) => each.dataset.key),
    ).toEqual([key(1)]);
    expect(document.activeElement).toBe(rows()[1]);
  });

  it("says when a mailbox is empty, and when there is no such mailbox", async () => {
    await settled(() => mail.set.mail(() => []));
    expect(texts(".empty h2")).toEqual(["All done"]);
    await visit({ view: "mail", mailbox: "nowhere" });
    expect(texts(".list-pane .empty h2")).toEqual(["There is no such folder"]);
  });
});

describe("an action", () => {
  it("on the row with the cursor takes it away, and the focus goes to the next", async () => {
    const [first, second] = [key(0), key(1)];
    await press("j");
    await press("e");
    expect(list.value?.indexOf(first)).toBe(-1);
    expect(cursor.value).toBe(second);
    expect((document.activeElement as HTMLElement).dataset.key).toBe(second);
    expect(texts(".toast-text")).toEqual(["Archived."]);
  });

  it("is taken back by its toast, and by a key after the toast has gone", async () => {
    const first = key(0);
    await press("j");
    await press("e");
    await settled(() => byLabel("Undo").click());
    expect(key(0)).toBe(first);
    await press("e");
    await settled(() => byLabel("Close").click());
    await press("z");
    expect(key(0)).toBe(first);
  });

  it("on selected rows is for all of them", async () => {
    const before = list.value?.view.value.length ?? 0;
    for (const place of [0, 1, 2])
      await settled(() => rows()[place]?.querySelector<HTMLElement>("[data-part=check]")?.click());
    expect(texts(".bulk-count")).toEqual(["3 selected"]);
    await press("#", document.body);
    expect(list.value?.view.value.length).toBe(before - 3);
    expect(selected.value.size).toBe(0);
    expect(texts(".toast-text")).toEqual(["3 conversations moved to the trash."]);
  });

  it("on everything is for what isn't drawn too", async () => {
    await settled(() => rows()[0]?.querySelector<HTMLElement>("[data-part=check]")?.click());
    await settled(() => rows()[1]?.querySelector<HTMLElement>("[data-part=check]")?.click());
    await settled(() => byLabel(`Select all ${list.value?.view.value.length}`).click());
    await press("e", document.body);
    expect(list.value?.view.value.length).toBe(0);
  });

  it("on the conversation that is read goes on to the next one", async () => {
    const second = key(1);
    await settled(() => rows()[0]?.click());
    expect(open()).toBe(list.value?.row(0)?.key);
    await press("e", document.body);
    expect(open()).toBe(second);
    await settled(() => mail.settings.set({ afterMove: "list" }));
    await press("e", document.body);
    expect(open()).toBeUndefined();
  });

  it("marks a conversation unread by its newest message alone", async () => {
    const row = [...Array(30).keys()]
      .map((place) => list.value?.row(place))
      .find((each) => each && each.count > 2 && !each.unread);
    expect(row).toBeTruthy();
    await settled(() => {
      cursor.value = row?.key ?? null;
    });
    await press("U", document.body);
    const messages = mail.threads.open(row?.thread ?? "").messages.value ?? [];
    const theirs = messages.filter((each) => row?.emails.includes(each.id));
    expect(theirs.filter((each) => each.unread).map((each) => each.id)).toEqual(row?.emails.slice(-1));
  });

  it("that fails says what failed, what is safe and what to do", async () => {
    await settled(() => mail.set.problem({ what: "quota", safe: "undone", remedy: "free-space" }));
    expect(texts(".toast.bad .toast-text")).toEqual([
      "Your mailbox is full. The change was taken back; what you see is what the server has. Delete what you don’t need, then try again.",
    ]);
    expect(mail.problems.value).toEqual([]);
  });
});

describe("a key", () => {
  it("means what the view says that knows best: the field for searching, the open conversation for answering", async () => {
    await press("/", document.body);
    expect(document.activeElement?.id).toBe("search");
    await settled(() => (document.activeElement as HTMLElement).blur());
    const row = [...Array(30).keys()].map((place) => list.value?.row(place)).find((each) => each && each.count > 1);
    await visit({ view: "mail", mailbox: "inbox", thread: row?.key ?? "" });
    await settled(() => new Promise((done) => setTimeout(done, 50)));
    await press("r", document.body);
    const messages = mail.threads.open(row?.thread ?? "").messages.value ?? [];
    expect(route.value).toMatchObject({
      view: "compose",
      kind: "reply",
      about: messages.filter((each) => !each.draft).at(-1)?.id,
    });
  });
});

describe("selecting", () => {
  it("from one row to another takes all between", async () => {
    await settled(() => rows()[1]?.querySelector<HTMLElement>("[data-part=check]")?.click());
    await settled(() => rows()[4]?.dispatchEvent(new MouseEvent("click", { shiftKey: true, bubbles: true })));
    expect([...selected.value.keys()]).toEqual([1, 2, 3, 4].map(key));
  });

  it("ends when one goes to another mailbox", async () => {
    await press("x");
    await settled(() => rows()[1]?.querySelector<HTMLElement>("[data-part=check]")?.click());
    await visit({ view: "mail", mailbox: "sent" });
    expect(selected.value.size).toBe(0);
  });
});

describe("the banner", () => {
  const HOUR = 3_600_000;

  it("says what is out of order, since when, what works, and what becomes of changes", async () => {
    const since = new Date().setHours(0, 1, 0, 0);
    await settled(() =>
      mail.set.connection({
        state: "trouble",
        since,
        feed: { state: "read", at: since, url: "https://status.example/" },
        faults: [
          {
            name: "webmail",
            level: "down",
            source: "seen",
            since,
            said: "A disk failed.",
            works: ["receive", "imap"],
            nextUpdate: since + HOUR,
          },
        ],
      }),
    );
    const said = texts(".banner").join(" ");
    for (const part of [
      "hasn’t answered since",
      "A disk failed.",
      "receiving mail and mail programs (IMAP)",
      "Next news at",
      "wait on this device",
    ])
      expect(said).toContain(part);
  });

  it("has words for every function in every state, in both languages", async () => {
    const { default: english } = await import("../../src/texts/en");
    const { default: german } = await import("../../src/texts/de");
    for (const name of ["receive", "send", "imap", "pop3", "webmail", "password", "signup"])
      for (const level of ["degraded", "down", "unknown"])
        for (const all of [english, german] as Record<string, unknown>[])
          expect(all[`fault.${name}.${level}`]).toContain("{time}");
  });

  it("says offline, and goes when that is over", async () => {
    await settled(() => mail.set.connection({ state: "offline", since: Date.now() }));
    expect(texts(".banner").join()).toContain("Offline since");
    await settled(() => mail.set.connection({ state: "online" }));
    expect(texts(".banner")).toEqual([]);
  });
});

describe("reading", () => {
  it("unfolds what is new and the last message, and marks read what is unfolded", async () => {
    const row = [...Array(30).keys()]
      .map((place) => list.value?.row(place))
      .find((each) => each && each.count > 1 && !each.unread);
    await visit({ view: "mail", mailbox: "inbox", thread: row?.key ?? "" });
    await settled(() => new Promise((done) => setTimeout(done, 50)));
    const messages = [...document.querySelectorAll(".message")];
    expect(messages.map((each) => each.classList.contains("open"))).toEqual(
      messages.map((_, place) => place === messages.length - 1),
    );
    expect(messages.at(-1)?.querySelector("iframe")?.title).toMatch(/^Text of the message of /);
  });

  it("says when a conversation is gone", async () => {
    await visit({ view: "mail", mailbox: "inbox", thread: "nothing" });
    await settled(() => new Promise((done) => setTimeout(done, 50)));
    expect(texts(".trouble-title").length).toBe(1);
  });
});
