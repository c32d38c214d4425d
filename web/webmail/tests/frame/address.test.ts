import { describe, expect, it } from "vitest";
import { claimedHost, isMismatched, linkified, target } from "../../src/frame/inside/address";

describe("where a link may lead", () => {
  it.each(["https://example.org/", "http://example.org/a?b#c", "mailto:anna@example.org", "tel:+49123"])("to %s", (href) => {
    expect(target(href)?.protocol).toBeTruthy();
  });
  it.each(["javascript:alert(1)", " java\nscript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "//host/x", "/x", "#x", "", "blob:null/1", "intent://x"])(
    "not to %j",
    (href) => {
      expect(target(href)).toBeNull();
    },
  );
});

describe("a link's text that names another host", () => {
  const says = (text: string, href: string) => isMismatched(text, new URL(href));
  it.each([
    ["https://bank.example", "https://evil.example/bank.example"],
    ["www.bank.example/login", "https://evil.example"],
    ["bank.example.", "https://bank.example.evil.test"],
    ["„bank.example“", "https://evil.example"],
    ["just words", "https://bank.example@evil.example/"],
    ["https://mueller.example", "https://müller.example"],
  ])("%s → %s is one", (text, href) => {
    expect(says(text, href)).toBe(true);
  });
  it.each([
    ["just words", "https://anywhere.example"],
    ["https://bank.example", "https://www.bank.example/login"],
    ["www.bank.example", "https://bank.example"],
    ["bank.example", "https://login.bank.example"],
    ["müller.example", "https://xn--mller-kva.example/"],
    ["Version 2.0", "https://example.org"],
    ["e.g. this", "https://example.org"],
    ["anna@example.org", "mailto:anna@example.org"],
  ])("%s → %s is none", (text, href) => {
    expect(says(text, href)).toBe(false);
  });
  it("knows words from hosts", () => {
    expect(claimedHost("Read more")).toBe("");
    expect(claimedHost("(see www.example.org)")).toBe("");
    expect(claimedHost("http://Example.ORG:8080/x")).toBe("example.org");
  });
});

describe("links in text", () => {
  const links = (line: string) => linkified(line).flatMap((each) => (each.href ? [each.href] : []));
  it.each([
    ["see https://example.org/a_(b), please.", ["https://example.org/a_(b)"]],
    ["(www.example.org)", ["https://www.example.org"]],
    ["write to anna.m+x@example.org!", ["mailto:anna.m+x@example.org"]],
    ["javascript:alert(1) data:text/html,x", []],
    ["<https://example.org>", ["https://example.org"]],
    ["https://a.example https://b.example", ["https://a.example", "https://b.example"]],
  ])("%s", (line, expected) => {
    expect(links(line)).toEqual(expected);
  });
  it("lose no sign of the line", () => {
    for (const line of ["", "a https://x.example. b", "www.", "@", "www.a.b www.c", "((https://x.example/)))"]) {
      expect(linkified(line).map((each) => each.text).join("")).toBe(line);
    }
  });
  it("take no time on long lines made to take it", () => {
    const begun = performance.now();
    for (const evil of ["a.".repeat(50_000), "www.".repeat(50_000), "(".repeat(50_000), `https://x${")".repeat(50_000)}`, "a-".repeat(50_000)]) linkified(evil);
    expect(performance.now() - begun).toBeLessThan(2_000);
  });
});
