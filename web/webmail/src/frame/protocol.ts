/** What the app and the message frame say to each other, over one MessageChannel.
 *
 * The frame has an opaque origin: nothing else is between them. The app believes nothing that comes from the
 * frame, so `fromFrame` rebuilds each message from its parts and drops what doesn't fit.
 */

/** The first words, by postMessage with the port: nobody else can say them before the page's own load event. */
export const HELLO = "holdfast-message";

/** Texts that the frame shows; it has no language of its own. */
export interface FrameTexts {
  lang: string;
  /** On the button that unfolds a quote. */
  quote: string;
  /** In place of a remote image. */
  image: string;
  /** Before the host that a link really leads to. */
  leadsTo: string;
}

export interface Show {
  kind: "show";
  html?: string;
  text?: string;
  /** RFC 3676: the parameters of text/plain. */
  flowed: boolean;
  delSp: boolean;
  /** Content-Id without its brackets → the image. */
  inline: Map<string, Blob>;
  remoteImages: boolean;
  texts: FrameTexts;
}

export interface Look {
  kind: "look";
  /** Light text on dark ground, images as they are. */
  inverted: boolean;
}

export type ToFrame = Show | Look;

export interface Key {
  key: string;
  code: string;
  ctrlKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
  metaKey: boolean;
}

export type FromFrame =
  | { kind: "height"; height: number }
  | { kind: "shown"; blocked: number; mismatched: number }
  | ({ kind: "key" } & Key)
  /** `url` is empty when the pointer and the focus have left. */
  | { kind: "link"; url: string; mismatched: boolean }
  | { kind: "mailto"; url: string };

/** CSS pixels; a message that claims more is scrolled inside its frame. */
export const HIGHEST = 100_000;
const LONGEST_URL = 8_192;
const LONGEST_KEY = 32;

/** The message as the app may use it, or null. */
export function fromFrame(data: unknown): FromFrame | null {
  if (typeof data !== "object" || data === null) return null;
  const said = data as Record<string, unknown>;
  switch (said.kind) {
    case "height":
      return isCount(said.height) ? { kind: "height", height: Math.min(said.height, HIGHEST) } : null;
    case "shown":
      return isCount(said.blocked) && isCount(said.mismatched)
        ? { kind: "shown", blocked: said.blocked, mismatched: said.mismatched }
        : null;
    case "key":
      return keyOf(said);
    case "link":
      return isShort(said.url, LONGEST_URL) ? { kind: "link", url: said.url, mismatched: said.mismatched === true } : null;
    case "mailto":
      return isShort(said.url, LONGEST_URL) && /^mailto:/i.test(said.url) ? { kind: "mailto", url: said.url } : null;
    default:
      return null;
  }
}

/** A key press, or null. */
export function keyOf(said: Record<string, unknown>): ({ kind: "key" } & Key) | null {
  if (!isShort(said.key, LONGEST_KEY) || !isShort(said.code, LONGEST_KEY)) return null;
  return {
    kind: "key",
    key: said.key,
    code: said.code,
    ctrlKey: said.ctrlKey === true,
    shiftKey: said.shiftKey === true,
    altKey: said.altKey === true,
    metaKey: said.metaKey === true,
  };
}

export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function isShort(value: unknown, longest: number): value is string {
  return typeof value === "string" && value.length <= longest;
}
