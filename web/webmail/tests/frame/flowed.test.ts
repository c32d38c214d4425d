import { describe, expect, it } from "vitest";
import { lines } from "../../src/frame/inside/flowed";

describe("format=flowed, RFC 3676", () => {
  it("joins lines that end with a space, within one depth of quotes", () => {
    expect(lines("one \ntwo\n> q \n>> deeper \n>> goes on\n", true, false)).toEqual([
      { depth: 0, text: "one two" },
      { depth: 1, text: "q " },
      { depth: 2, text: "deeper goes on" },
      { depth: 0, text: "" },
    ]);
  });
  it("takes the space of stuffing away", () => {
    expect(lines(" From here\n  two\n ", true, false).map((each) => each.text)).toEqual(["From here", " two", ""]);
  });
  it("takes the last space away with delsp=yes", () => {
    expect(lines("Donaudampf \nschiff", true, true)).toEqual([{ depth: 0, text: "Donaudampfschiff" }]);
  });
  it("never joins the mark of a signature", () => {
    expect(lines("text \n-- \nAnna", true, false).map((each) => each.text)).toEqual(["text ", "-- ", "Anna"]);
  });
});

describe("text that isn't flowed", () => {
  it("keeps its lines, spaces and quotes", () => {
    expect(lines("a \r\nb\r\n> > c\r\n>>d", false, false)).toEqual([
      { depth: 0, text: "a " },
      { depth: 0, text: "b" },
      { depth: 2, text: "c" },
      { depth: 2, text: "d" },
    ]);
  });
  it("knows the mark of mbox from a quote", () => {
    expect(lines(">From me", false, false)).toEqual([{ depth: 0, text: "From me" }]);
  });
});
