import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import german from "../../src/texts/de";
import english from "../../src/texts/en";

const SOURCES = join(import.meta.dirname, "../../src");
const both = [english, german] as Record<string, string | { one: string; other: string }>[];
const keys = Object.keys(english);

function code(folder: string): string {
  return readdirSync(folder, { withFileTypes: true })
    .filter((each) => each.name !== "texts")
    .map((each) => {
      const path = join(folder, each.name);
      if (each.isDirectory()) return code(path);
      return /\.tsx?$/.test(each.name) ? readFileSync(path, "utf8") : "";
    })
    .join("\n");
}

function names(text: string | { one: string; other: string } | undefined): string[] {
  const all = typeof text === "object" ? text.one + text.other : (text ?? "");
  return [...new Set(all.match(/\{\w+\}/g) ?? [])].sort();
}

describe("texts", () => {
  it("are the same in both languages", () => {
    expect(Object.keys(german).sort()).toEqual([...keys].sort());
  });

  it("take the same values in both languages", () => {
    const unlike = keys.filter((key) => names(both[0]?.[key]).join() !== names(both[1]?.[key]).join());
    expect(unlike).toEqual([]);
  });

  it("have forms for one and many in both languages or in none", () => {
    const unlike = keys.filter((key) => typeof both[0]?.[key] !== typeof both[1]?.[key]);
    expect(unlike).toEqual([]);
  });

  it("are all used", () => {
    const all = code(SOURCES);
    const begun = [...all.matchAll(/`([a-z]\w*(?:\.\w+)*\.)\$\{/g)].map((match) => match[1] ?? "");
    const unused = keys.filter((key) => !all.includes(`"${key}"`) && !begun.some((prefix) => key.startsWith(prefix)));
    expect(unused).toEqual([]);
  });

  it("are never empty", () => {
    for (const texts of both) {
      const empty = Object.entries(texts).filter(([, text]) =>
        typeof text === "object" ? !text.one || !text.other : !text,
      );
      expect(empty).toEqual([]);
    }
  });
});
