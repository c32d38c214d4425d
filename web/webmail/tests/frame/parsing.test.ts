import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const SRC = fileURLToPath(new URL("../../src/", import.meta.url));
const PARSES = /innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|DOMParser|createContextualFragment|document\.write|setHTMLUnsafe|\beval\(|new Function/;

it("FRAME-5: only the sandboxed pages parse HTML", async () => {
  const files = (await readdir(SRC, { recursive: true })).filter((each) => /\.tsx?$/.test(each));
  const parsing: string[] = [];
  for (const each of files) if (PARSES.test(await readFile(SRC + each, "utf8"))) parsing.push(each);
  expect(parsing.filter((each) => !each.includes("/inside/"))).toEqual([]);
  expect(parsing.length).toBeGreaterThan(0);
});
