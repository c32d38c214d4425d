// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { h, render } from "preact";
import { act as settle } from "preact/test-utils";
import { mail, provide } from "../../src/data";
import { sample } from "../../src/data/sample";
import { COMMAND_NAMES, COMMANDS, keysOf, type CommandName } from "../../src/ui/keys/commands";
import { press, useCommands, useKeys, type Handlers } from "../../src/ui/keys/dispatch";

const key = (name: string, more = {}) => press({ key: name, ctrlKey: false, altKey: false, metaKey: false, ...more });

function shown(handlers: Handlers): void {
  function View() {
    useKeys();
    useCommands(handlers);
    return h("div", null, h("input", { id: "field" }), h("button", { id: "button" }));
  }
  settle(() => render(h(View, null), document.body));
}

describe("the table of keys", () => {
  it.each(["gmail", "fastmail"] as const)("gives no key two meanings: %s", (map) => {
    const all = COMMAND_NAMES.flatMap((name) => COMMANDS[name][map] as readonly string[]);
    expect(all.filter((each, place) => all.indexOf(each) !== place)).toEqual([]);
    const singles = all.filter((each) => !each.includes(" "));
    const openings = all.filter((each) => each.includes(" ")).map((each) => each.split(" ")[0]);
    expect(singles.filter((each) => openings.includes(each))).toEqual([]);
  });

  it("takes the customer's own key, and none where it was taken away", () => {
    expect(keysOf("archive", "gmail", { archive: "q" })).toEqual(["q"]);
    expect(keysOf("archive", "gmail", { archive: "" })).toEqual([]);
  });
});

describe("pressing", () => {
  const given: CommandName[] = [];
  const all = Object.fromEntries(COMMAND_NAMES.map((name) => [name, () => given.push(name)])) as Handlers;

  beforeEach(() => {
    given.length = 0;
    provide(sample());
    shown(all);
  });

  afterEach(() => settle(() => render(null, document.body)));

  it("gives the command of one key, and of two in a row", () => {
    key("j");
    key("g");
    key("i");
    key("*");
    key("a");
    expect(given).toEqual(["next", "goInbox", "selectAll"]);
  });

  it("forgets the first of two after a while", () => {
    vi.useFakeTimers();
    key("g");
    vi.advanceTimersByTime(5000);
    key("i");
    expect(given).toEqual([]);
    vi.useRealTimers();
  });

  it("does nothing with the browser's own keys, nor when keys are switched off", async () => {
    key("c", { ctrlKey: true });
    key("r", { metaKey: true });
    await mail.settings.set({ keys: "off" });
    key("c");
    expect(given).toEqual([]);
  });

  it("follows the map that is chosen", async () => {
    await mail.settings.set({ keys: "fastmail" });
    key("y");
    key("d");
    key("e");
    expect(given).toEqual(["archive", "trash"]);
  });

  it("does nothing while somebody types", () => {
    const typed = new KeyboardEvent("keydown", { key: "e", bubbles: true, cancelable: true });
    document.getElementById("field")?.dispatchEvent(typed);
    document.getElementById("button")?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    expect(given).toEqual([]);
    document.getElementById("button")?.dispatchEvent(new KeyboardEvent("keydown", { key: "e", bubbles: true }));
    expect(given).toEqual(["archive"]);
  });
});
