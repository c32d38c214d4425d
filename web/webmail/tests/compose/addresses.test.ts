import { describe, expect, it } from "vitest";
import { flawOf, parseAddresses, unique, writeAddress } from "../../src/compose/addresses";

describe("addresses as they are typed", () => {
  it.each([
    ["anna@example.org", [["", "anna@example.org"]]],
    ["Anna Muster <anna@example.org>, ben@example.net;", [["Anna Muster", "anna@example.org"], ["", "ben@example.net"]]],
    ['"Muster, Anna" <anna@example.org>', [["Muster, Anna", "anna@example.org"]]],
    ['"Anna \\"A\\" M" <a@b.example>\nc@d.example', [['Anna "A" M', "a@b.example"], ["", "c@d.example"]]],
    ["mailto:anna@example.org", [["", "anna@example.org"]]],
    ["'Anna' <anna@example.org>", [["Anna", "anna@example.org"]]],
    [" , ;; ", []],
    ["half <anna@", [["", "half <anna@"]]],
  ])("%s", (text, expected) => {
    expect(parseAddresses(text).map((each) => [each.name, each.email])).toEqual(expected);
  });
  it("come back as they were written out", () => {
    for (const name of ["", "Anna", "Muster, Anna", 'An "x" na', "a\\b", "Ümläut; (x)", "@"]) {
      const person = { name, email: "anna@example.org" };
      expect(parseAddresses(writeAddress(person))).toEqual([person]);
    }
  });
});

describe("what is wrong with an address", () => {
  it.each([
    ["anna", "noDomain"], ["anna@", "noDomain"], ["anna@localhost", "noDomain"],
    ["", "bad"], ["an na@example.org", "bad"], [".anna@example.org", "bad"], ["anna@exa mple.org", "bad"],
    ["anna@-x.example", "bad"], ["anna@x..example", "bad"], ["@example.org", "bad"], ["<anna@example.org", "bad"],
    ["anna@xn--pple-43d.com", "odd"], ["anna@pаypal.com", "odd"],
    ["anna@example.org", null], ["a.b+c@sub.example.co.uk", null], ['"a b"@example.org', null], ["jürgen@müller.de", null], ["anna@[192.0.2.1]", null],
  ])("%s: %s", (email, flaw) => {
    expect(flawOf({ name: "", email })).toBe(flaw);
  });
});

it("each address stands once, in its first spelling", () => {
  const people = [{ name: "A", email: "a@x.example" }, { name: "", email: "A@X.example" }, { name: "", email: "b@x.example" }];
  expect(unique(people)).toEqual([people[0], people[2]]);
});
