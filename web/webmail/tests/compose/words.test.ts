// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { answering, sentOn } from "../../src/compose/begin";
import { quoted, toHtml } from "../../src/compose/convert";
import { linkOf } from "../../src/compose/format_bar";
import { presets } from "../../src/compose/later";
import { speaksOfAttachment } from "../../src/compose/reminder";
import { exchangedText, signatureLines } from "../../src/compose/signature";
import type { Identity } from "../../src/data";

describe("a text that speaks of an attachment", () => {
  it.each([
    "Im Anhang finden Sie die Rechnung.", "Anbei die Unterlagen", "Ich hänge dir die Fotos an.", "Die Datei ist beigefügt.", "siehe Anlage",
    "Die beigefügten Anhänge", "Please find attached the report", "See the attachment", "I'm attaching the file", "Enclosed you will find it",
  ])("%s", (text) => {
    expect(speaksOfAttachment("", text)).toBe(true);
  });
  it.each([
    "Hallo Anna, bis morgen!", "Er ist anhänglich.", "Wir haben die Anlagenbauer getroffen.", "> siehe Anhang", "Gut.\n-- \nAnhang GmbH",
    "Danke!\n---------- Weitergeleitete Nachricht ----------\nim Anhang", "no strings",
  ])("not: %s", (text) => {
    expect(speaksOfAttachment("", text)).toBe(false);
  });
  it("by its subject", () => {
    expect(speaksOfAttachment("Rechnung im Anhang", "")).toBe(true);
  });
});

describe("subjects", () => {
  it.each([["Hello", "Re: Hello"], ["Re: Hello", "Re: Hello"], ["AW: Re: RE: Hello", "Re: Hello"], ["Re[2]: Hello", "Re: Hello"], ["Regarding", "Re: Regarding"]])(
    "answering %s",
    (subject, answer) => {
      expect(answering(subject)).toBe(answer);
    },
  );
  it.each([["Hello", "Fwd: Hello"], ["WG: Fwd: Hello", "Fwd: Hello"], ["Fw: Hello", "Fwd: Hello"]])("sending on %s", (subject, sent) => {
    expect(sentOn(subject)).toBe(sent);
  });
});

describe("plain text", () => {
  it("is quoted line by line", () => {
    expect(quoted("a\n\n> b\n\n")).toBe("> a\n>\n>> b");
  });
  it("becomes blocks, and quotes quotes; signs stay signs", () => {
    expect(toHtml("a <b>\n\n> q\n>> r")).toBe(
      '<div>a &lt;b&gt;</div><div><br></div><blockquote type="cite"><div>q</div><blockquote type="cite"><div>r</div></blockquote></blockquote>',
    );
  });
});

describe("signatures in plain text", () => {
  const identity = (textSignature: string) => ({ textSignature, htmlSignature: "" }) as Identity;
  const [anna, work, none] = [identity("Anna"), identity("Anna Muster\nWork $& Co"), identity("")];
  it("are exchanged where they stand", () => {
    const text = `Hello${signatureLines(anna)}\n\nOn Monday, Ben wrote:\n> hi`;
    expect(exchangedText(text, anna, work)).toBe(`Hello${signatureLines(work)}\n\nOn Monday, Ben wrote:\n> hi`);
    expect(exchangedText(text, anna, none)).toBe("Hello\n\nOn Monday, Ben wrote:\n> hi");
  });
  it("come before the quote where there was none", () => {
    expect(exchangedText("Hello\n\nBen wrote:\n> hi", none, anna)).toBe("Hello\n\n-- \nAnna\n\nBen wrote:\n> hi");
    expect(exchangedText("Hello", none, anna)).toBe("Hello\n\n-- \nAnna");
  });
  it("stay as somebody has changed them", () => {
    expect(exchangedText("Hello\n\n-- \nAnn", anna, none)).toBe("Hello\n\n-- \nAnn");
  });
});

describe("times to send later", () => {
  const at = (text: string) => new Date(text).getTime();
  it("are those that people mean", () => {
    const wednesday = at("2026-11-25T10:00:00");
    expect(presets(wednesday).map((each) => [each.name, each.at])).toEqual([
      ["tonight", at("2026-11-25T18:00:00")],
      ["tomorrow", at("2026-11-26T08:00:00")],
      ["afternoon", at("2026-11-26T14:00:00")],
      ["monday", at("2026-11-30T08:00:00")],
    ]);
  });
  it("are each there once, none in the past", () => {
    const sundayEvening = at("2026-11-29T17:45:00");
    expect(presets(sundayEvening).map((each) => each.name)).toEqual(["tomorrow", "afternoon"]);
  });
});

describe("links that may be sent", () => {
  it.each([["example.org", "https://example.org"], ["anna@example.org", "mailto:anna@example.org"], ["http://x.example/a", "http://x.example/a"], ["", ""]])(
    "%s",
    (typed, link) => {
      expect(linkOf(typed)).toBe(link);
    },
  );
  it.each(["javascript:alert(1)", "data:text/html,x", "http://", "ht tp"])("not %s", (typed) => {
    expect(linkOf(typed)).toBeNull();
  });
});
