/** Where a link leads, and whether its text says so. */

const ALLOWED = new Set(["http:", "https:", "mailto:", "tel:"]);

/** The link as it will be opened, or null for one that isn't opened: scripts, data, files, relative ones. */
export function target(href: string): URL | null {
  // A relative link has nothing to be relative to; only an absolute URL parses without a base.
  if (!URL.canParse(href)) return null;
  const url = new URL(href);
  return ALLOWED.has(url.protocol) ? url : null;
}

// What reads like an address of a page: a scheme or www., or a name with a dot and letters at its end.
const CLAIM = /^(?:[\p{L}\p{N}-]+\.)+\p{L}{2,}(?::\d+)?(?:[/?#].*)?$/u;

/** The host that a link's text claims to lead to, or "" when the text is just words. */
export function claimedHost(text: string): string {
  const said = text.trim().replace(/^[<([«"„'‚]+|[>)\]»"“'‘.,;:!?…]+$/gu, "");
  if (/\s/.test(said)) return "";
  const address = /^https?:\/\//i.test(said) ? said : CLAIM.test(said) ? `https://${said}` : "";
  return address && URL.canParse(address) ? new URL(address).hostname : "";
}

/** FRAME-6: true when the text names one host and the link leads to another, the oldest trick of phishing. */
export function isMismatched(text: string, url: URL): boolean {
  if (url.protocol !== "http:" && url.protocol !== "https:") return false;
  if (url.username || url.password) return true; // https://bank.example@evil.example
  const claimed = claimedHost(text);
  if (!claimed) return false;
  const [one, other] = [plain(claimed), plain(url.hostname)];
  return one !== other && !other.endsWith(`.${one}`);
}

function plain(host: string): string {
  return host.toLowerCase().replace(/^www\./, "").replace(/\.$/, "");
}

// An address in running text, each part bounded: a line made for it must take no time.
const IN_TEXT =
  /\bhttps?:\/\/[^\s<>"'`{}|\\^]{1,2000}|\bwww\.[^\s<>"'`{}|\\^]{3,2000}|(?<![\w.+-])[\w.+-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,10}/giu;

export interface Piece {
  text: string;
  /** Absent: just text. */
  href?: string;
}

/** A line cut into text and links. Joined, the pieces are the line. */
export function linkified(line: string): Piece[] {
  const pieces: Piece[] = [];
  let done = 0;
  for (const found of line.matchAll(IN_TEXT)) {
    // What follows a sentence (full stop, bracket without its partner) isn't part of it.
    const text = trimmed(found[0]);
    const href = text.includes("://") ? text : /^www\./i.test(text) ? `https://${text}` : `mailto:${text}`;
    if (!target(href)) continue;
    if (found.index > done) pieces.push({ text: line.slice(done, found.index) });
    pieces.push({ text, href });
    done = found.index + text.length;
  }
  if (done < line.length) pieces.push({ text: line.slice(done) });
  return pieces;
}

const PARTNER: Record<string, string> = { ")": "(", "]": "[" };

function trimmed(found: string): string {
  let text = found;
  for (;;) {
    const last = text.at(-1) ?? "";
    const open = PARTNER[last];
    const lonely = open !== undefined && text.split(open).length < text.split(last).length;
    if (!lonely && !/[.,;:!?…*_]/.test(last)) return text;
    text = text.slice(0, -1);
  }
}
