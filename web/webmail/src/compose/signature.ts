/** Signatures: put in, and exchanged when another sender is chosen. */

import type { Identity } from "../data";
import { toHtml } from "./convert";

const MARK = "-- ";

export function signatureText(identity: Identity | null): string {
  return identity?.textSignature.trim() ?? "";
}

export function signatureHtml(identity: Identity | null): string {
  const html = identity?.htmlSignature.trim();
  if (html) return html;
  const text = signatureText(identity);
  return text ? toHtml(text) : "";
}

/** The block that the editor finds again by its class. */
export function signatureBlock(identity: Identity | null): string {
  const html = signatureHtml(identity);
  return html ? `<div><br></div><div class="signature">${html}</div>` : "";
}

/** RFC 3676 §4.3: a line of its own before it. */
export function signatureLines(identity: Identity | null): string {
  const text = signatureText(identity);
  return text ? `\n\n${MARK}\n${text}` : "";
}

/** Plain text with the new signature where the old one was; before the quote where there was none. */
export function exchangedText(text: string, before: Identity | null, after: Identity | null): string {
  const [old, fresh] = [signatureLines(before), signatureLines(after)];
  if (old && text.includes(old)) return text.replace(old, () => fresh);
  if (!fresh) return text;
  const lines = text.split("\n");
  const quote = lines.findIndex((line) => line.startsWith(">"));
  if (quote < 1) return text + fresh;
  const opening = quote - 1; // "On … wrote:"
  return [...lines.slice(0, opening), fresh.trimStart(), "", ...lines.slice(opening)].join("\n");
}

