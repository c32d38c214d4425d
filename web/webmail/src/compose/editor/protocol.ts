/** What the app and the editor's page say to each other. The page is built like the one for messages: an opaque
 * origin, a CSP by hashes; whatever is quoted or pasted into it stays there. */

import { HIGHEST, type Key, isCount, keyOf } from "../../frame/protocol";

export const COMMANDS = [
  "bold", "italic", "underline", "strikethrough", "bullets", "numbers", "quote", "unquote", "link", "unlink",
  "clear", "undo", "redo", "left", "center", "right", "colour", "size",
] as const;
export type Command = (typeof COMMANDS)[number];

/** What holds at the cursor. */
export interface Format {
  bold: boolean;
  italic: boolean;
  underline: boolean;
  strikethrough: boolean;
  bullets: boolean;
  numbers: boolean;
  quote: boolean;
  link: string;
}

export type ToEditor =
  | { kind: "load"; html: string; images: Map<string, Blob>; lang: string; label: string }
  | { kind: "do"; command: Command; value: string }
  /** Bytes of an image that came later; with `insert` it is put where the cursor is. */
  | { kind: "image"; cid: string; image: Blob; name: string; insert: boolean }
  | { kind: "signature"; html: string }
  | { kind: "look"; inverted: boolean }
  /** Asks for what stands there now: the answer is `changed`. */
  | { kind: "tell" }
  | { kind: "focus" };

export type FromEditor =
  /** `html` as it is sent; `text` says the same in plain text. */
  | { kind: "changed"; html: string; text: string }
  /** The same of what was opened, before anybody changed it. */
  | { kind: "loaded"; html: string; text: string }
  | { kind: "format"; format: Format }
  | { kind: "height"; height: number }
  | { kind: "files"; files: File[] }
  | ({ kind: "key" } & Key)
  | { kind: "ready" };

/** The message as the app may use it, or null. The HTML is never put into the app's own page. */
export function fromEditor(data: unknown): FromEditor | null {
  if (typeof data !== "object" || data === null) return null;
  const said = data as Record<string, unknown>;
  switch (said.kind) {
    case "changed":
    case "loaded":
      return typeof said.html === "string" && typeof said.text === "string" ? { kind: said.kind, html: said.html, text: said.text } : null;
    case "format":
      return { kind: "format", format: formatOf(said.format) };
    case "height":
      return isCount(said.height) ? { kind: "height", height: Math.min(said.height, HIGHEST) } : null;
    case "files":
      return Array.isArray(said.files) ? { kind: "files", files: said.files.filter((each) => each instanceof File) } : null;
    case "key":
      return keyOf(said);
    case "ready":
      return { kind: "ready" };
    default:
      return null;
  }
}

function formatOf(value: unknown): Format {
  const said = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const is = (name: string) => said[name] === true;
  return {
    bold: is("bold"), italic: is("italic"), underline: is("underline"), strikethrough: is("strikethrough"),
    bullets: is("bullets"), numbers: is("numbers"), quote: is("quote"), link: typeof said.link === "string" ? said.link : "",
  };
}
