// @vitest-environment happy-dom
import { render } from "preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import Contacts from "../../src/contacts";
import { addContact, addMembers, removeContacts, writeTo } from "../../src/contacts/acts";
import { birthday } from "../../src/contacts/card";
import { BLANK } from "../../src/contacts/vcard";
import { type Contact, mail, provide } from "../../src/data";
import { sample } from "../../src/data/sample";
import { speak } from "../../src/texts";
import { route } from "../../src/ui/router";

let room: HTMLElement;
const settled = () => new Promise((resolve) => setTimeout(resolve, 30));
const all = () => mail.contacts.all.value!;
const draw = async (contact?: string) => {
  render(<Contacts route={{ view: "contacts", ...(contact ? { contact } : {}) }} />, room);
  await settled();
};
const field = (label: string) => {
  const found = [...room.querySelectorAll("label")].find((each) => each.textContent === label);
  return document.getElementById(found!.htmlFor) as HTMLInputElement;
};
const type = (input: HTMLInputElement, text: string) => {
  input.value = text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
};
const press = async (text: string) => {
  [...room.querySelectorAll<HTMLElement>("button")].find((each) => each.textContent === text)!.click();
  await settled();
};
const create = async (contact: Partial<Contact>) => {
  const outcome = await mail.contacts.create({ ...BLANK, ...contact });
  return outcome.ok ? outcome.value : "";
};

beforeEach(async () => {
  provide(sample({ conversations: 2 }));
  await speak("en");
  room = document.createElement("div");
  document.body.append(room);
});
afterEach(() => {
  render(null, room);
  room.remove();
});

describe("the list", () => {
  it("shows names, each a link to its contact", async () => {
    await draw();
    const links = [...room.querySelectorAll<HTMLAnchorElement>(".contact-link")];
    expect(links).toHaveLength(all().length);
    expect(links[0]?.getAttribute("href")).toBe(`#/contacts/${all()[0]?.id}`);
  });
  it("draws only what is in sight of many", async () => {
    for (let n = 0; n < 500; n++) await create({ name: `Person ${n}` });
    await draw();
    expect(room.querySelectorAll(".contact-row").length).toBeLessThan(60);
    expect(room.querySelector(".contact-row")?.getAttribute("aria-setsize")).toBe(String(all().length));
  });
  it("finds as one types", async () => {
    await draw();
    type(room.querySelector("input[type=search]")!, "ozdemir");
    await settled();
    expect([...room.querySelectorAll(".contact-name")].map((each) => each.textContent)).toEqual(["Maria Özdemir"]);
  });
});

describe("a contact", () => {
  it("is made with what was typed, and then shown", async () => {
    const before = all().length;
    await draw("new");
    type(field("First name"), "Cem");
    await settled();
    type(field("Surname"), "Kaya");
    await settled();
    type(room.querySelector("input[type=email]")!, "cem@example.org");
    await settled();
    await press("Save");
    expect(all()).toHaveLength(before + 1);
    const made = all().find((each) => each.name === "Cem Kaya")!;
    expect(made).toMatchObject({ given: "Cem", surname: "Kaya", emails: [{ address: "cem@example.org" }], phones: [] });
    expect(route.value).toEqual({ view: "contacts", contact: made.id });
  });
  it("needs a name, and addresses that are some; said at the field", async () => {
    await draw("new");
    await press("Save");
    expect(field("Shown as").getAttribute("aria-invalid")).toBe("true");
    const email = room.querySelector<HTMLInputElement>("input[type=email]")!;
    type(email, "cem");
    await settled();
    await press("Save");
    expect(document.getElementById(email.getAttribute("aria-describedby")!)?.textContent).toContain("no domain");
  });
  it("is edited in place", async () => {
    const [contact] = all();
    await draw(contact!.id);
    await press("Edit");
    type(field("Nickname"), "Benny");
    await settled();
    await press("Save");
    expect(all().find((each) => each.id === contact!.id)?.nickname).toBe("Benny");
    expect(room.querySelector(".contact-card")?.textContent).toContain("Benny");
  });
  it("comes back after deleting, in its groups too", async () => {
    const anna = await create({ name: "Anna" });
    const group = await create({ name: "Team", kind: "group", members: [anna] });
    await removeContacts(all().filter((each) => each.id === anna));
    expect(all().some((each) => each.name === "Anna")).toBe(false);
    const { undoLast } = await import("../../src/ui/pieces/toast");
    undoLast();
    await vi.waitFor(() => {
      const back = all().find((each) => each.name === "Anna")!;
      expect(all().find((each) => each.id === group)?.members).toEqual([back.id]);
    });
  });
});

it("a sender becomes a contact once", async () => {
  const before = all().length;
  await addContact({ name: "Dr. Nova Neu", email: "nova@example.org" });
  expect(mail.contacts.byAddress("nova@example.org")).toMatchObject({ name: "Dr. Nova Neu", given: "Dr. Nova", surname: "Neu" });
  await addContact({ name: "Nova", email: "nova@example.org" });
  expect(all()).toHaveLength(before + 1);
});

it("a group is written to as its members", async () => {
  const [one, two] = [await create({ name: "One, A", emails: [{ address: "one@x.example", label: "" }] }), await create({ name: "Two" })];
  const group = await create({ name: "Team", kind: "group", members: [one] });
  const team = () => all().find((each) => each.id === group)!;
  await addMembers(team(), all().filter((each) => each.id === two || each.id === group));
  expect(team().members).toEqual([one, two]);
  expect(writeTo([team()], all())).toBe('"One, A" <one@x.example>');
});

it("birthdays are written as the language has them, with or without a year", () => {
  expect(birthday("1985-04-12")).toBe("April 12, 1985");
  expect(birthday("--04-12")).toBe("April 12");
  expect(birthday("in spring")).toBe("in spring");
});
