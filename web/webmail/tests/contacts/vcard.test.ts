import { describe, expect, it } from "vitest";
import { BLANK, readVcards, writeVcards } from "../../src/contacts/vcard";
import type { Contact } from "../../src/data";

const read = (...lines: string[]) => readVcards(["BEGIN:VCARD", ...lines, "END:VCARD", ""].join("\r\n")).contacts[0]!;

describe("cards of other programs", () => {
  it("Apple, 3.0 with groups of properties", () => {
    const card = read(
      "VERSION:3.0", "N:Muster;Anna;Maria;Dr.;", "FN:Dr. Anna Muster", "ORG:Beispiel AG;Abteilung", "TITLE:Leiterin",
      "EMAIL;type=INTERNET;type=HOME;type=pref:anna@example.org", "item1.EMAIL;type=INTERNET:am@example.net", "item1.X-ABLabel:_$!<Other>!$_",
      "TEL;type=CELL;type=VOICE;type=pref:+49 170 1234567", "item2.ADR;type=HOME;type=pref:;;Marktplatz 1;Musterstadt;;12345;Germany",
      "BDAY;value=date:1985-04-12", "NOTE:Zeile 1\\nZeile 2\\, mit Komma",
    );
    expect(card).toMatchObject({
      name: "Dr. Anna Muster", given: "Anna Maria", surname: "Muster", organization: "Beispiel AG, Abteilung", title: "Leiterin",
      emails: [{ address: "anna@example.org", label: "private" }, { address: "am@example.net", label: "" }],
      phones: [{ number: "+49 170 1234567", label: "mobile" }],
      addresses: [{ text: "Marktplatz 1\n12345 Musterstadt\nGermany", label: "private" }],
      birthday: "1985-04-12", note: "Zeile 1\nZeile 2, mit Komma",
    });
  });
  it("4.0 with parameters in quotes, dates without a year, folded lines", () => {
    const card = read(
      "VERSION:4.0", "FN:Ben", "TEL;TYPE=\"work,voice\";VALUE=uri:tel:+1-555", "BDAY:--0412", "UID:urn:uuid:4fbe", "NOTE:long", "  word",
      "ADR;LABEL=\"Weg 1\\nOrt\":;;;;;;", "URL:https://example.org",
    );
    expect(card).toMatchObject({ phones: [{ number: "+1-555", label: "work" }], birthday: "--04-12", uid: "4fbe" });
    expect(card.note).toBe("long word\nURL: https://example.org");
    expect(card.addresses[0]?.text).toBe("Weg 1\nOrt");
  });
  it("2.1 with quoted-printable", () => {
    const card = read("VERSION:2.1", "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Gro=C3=9F;J=C3=BCr=", "gen", "TEL;CELL:0170");
    expect(card).toMatchObject({ name: "Jürgen Groß", phones: [{ number: "0170", label: "mobile" }] });
  });
  it("names that are missing come from what is there", () => {
    expect(read("EMAIL:a@b.example").name).toBe("a@b.example");
    expect(read("ORG:Beispiel AG")).toMatchObject({ name: "Beispiel AG", kind: "organization" });
  });
  it("what isn't one costs only itself", () => {
    const found = readVcards("noise\nBEGIN:VCARD\nFN:A\nBEGIN:VCARD\nFN:B\nEND:VCARD\nBEGIN:VCARD\nFN:C");
    expect([found.contacts.map((each) => each.name), found.broken]).toEqual([["B"], 2]);
  });
});

/** Numbers from one seed, so that what fails fails again. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const SIGNS = ["a", "Ä", "ß", " ", ",", ";", ":", "\\", "\n", '"', "=", "日", "😀", "n", "N", "-", "'", "END:VCARD", "BEGIN:VCARD"];

function contactOf(seed: number): Contact {
  const next = generator(seed);
  const word = (least = 0) => {
    const text = Array.from({ length: least + next(40) }, () => SIGNS[next(SIGNS.length)]).join("").trim();
    return text || (least ? "x" : "");
  };
  const line = (least = 0) => word(least).replace(/\n/g, " ").trim() || (least ? "x" : "");
  const pick = <T>(...all: T[]): T => all[next(all.length)] as T;
  return {
    ...BLANK, id: `id-${seed}`, pending: false, kind: "person", name: line(1), given: line().replace(/,/g, ""), surname: line(1).replace(/,/g, "") || "x",
    nickname: line().replace(/,/g, ""), organization: line().replace(/;/g, ""), title: line(), note: word(),
    emails: Array.from({ length: next(3) }, (_, at) => ({ address: `a${at}@example.org`, label: pick("private", "work", "") })),
    phones: Array.from({ length: next(3) }, () => ({ number: `+49 ${next(9999)}`, label: pick("private", "work", "mobile", "") })),
    addresses: Array.from({ length: next(2) }, () => ({ text: word(1).replace(/,/g, "").trim(), label: pick("private", "work", "") })),
    birthday: pick("", "1985-04-12", "2000-02-29"),
  } as Contact;
}

describe.each(["4.0", "3.0"] as const)("what is written as %s", (version) => {
  it("comes back the same, and keeps to 75 octets a line", () => {
    for (let seed = 1; seed <= 500; seed++) {
      const contact = contactOf(seed);
      const text = writeVcards([contact], version);
      for (const line of text.split("\r\n")) expect(new TextEncoder().encode(line).length).toBeLessThanOrEqual(75);
      const { contacts, broken } = readVcards(text);
      const { id, pending: _, ...kept } = contact;
      const squeezed = (value: string) => value.replace(/ +/g, " ").trim();
      expect(broken).toBe(0);
      expect(contacts).toHaveLength(1);
      expect({ ...contacts[0], given: squeezed(contacts[0]!.given), surname: squeezed(contacts[0]!.surname) }).toEqual({
        ...kept, given: squeezed(kept.given), surname: squeezed(kept.surname), uid: id, memberUids: [],
      });
    }
  });
});

it("groups find their members again", () => {
  const anna = { ...contactOf(1), id: "anna" };
  const group: Contact = { ...BLANK, id: "g", pending: false, kind: "group", name: "Team", members: ["anna"] };
  const { contacts } = readVcards(writeVcards([anna, group]));
  expect(contacts[1]).toMatchObject({ kind: "group", name: "Team", memberUids: ["anna"] });
  expect(contacts[0]?.uid).toBe("anna");
});
