import { expect, it } from "vitest";
import { fromFrame, HIGHEST } from "../../src/frame/protocol";

it("takes what the frame may say, rebuilt", () => {
  expect(fromFrame({ kind: "height", height: 10, more: "x" })).toEqual({ kind: "height", height: 10 });
  expect(fromFrame({ kind: "height", height: 1e12 })).toEqual({ kind: "height", height: HIGHEST });
  expect(fromFrame({ kind: "link", url: "https://x.example", mismatched: 1 })).toEqual({ kind: "link", url: "https://x.example", mismatched: false });
});

it.each([
  null, "height", 3, [], { kind: "height", height: -1 }, { kind: "height", height: NaN }, { kind: "height", height: "1" },
  { kind: "shown", blocked: 1 }, { kind: "key", key: "x".repeat(100), code: "" }, { kind: "mailto", url: "javascript:x" },
  { kind: "link", url: "x".repeat(10_000) }, { kind: "navigate", url: "https://x.example" },
])("drops %j", (said) => {
  expect(fromFrame(said)).toBeNull();
});
