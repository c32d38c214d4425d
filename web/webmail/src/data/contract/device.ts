/** Search, and the room on this device. */

import type { Live, Millis, Outcome } from "./outcome";
import type { Row } from "./mail";

/** What was typed, understood. `from:anna has:attachment older_than:1y -label:work "exact words"` … */
export interface ParsedSearch {
  text: string;
  /** Words and values to show as removable pieces, in order. */
  pieces: SearchPiece[];
  /** Words of free text, folded, to be marked in results. */
  marks: string[];
}

export interface SearchPiece {
  /** The operator's English name (`from`, `has`, `older_than`, …), or "" for a word or phrase. */
  operator: string;
  value: string;
  not: boolean;
  /** Where it stands in the text. */
  start: number;
  end: number;
  /** Not understood (`before:yesterdayish`): it is searched as a word. */
  wrong: boolean;
}

export interface SearchPort {
  parse(text: string): ParsedSearch;
  /** Completions at the cursor: operators (in the language given), mailbox names, addresses. */
  complete(text: string, cursor: number, language: "de" | "en"): { insert: string; start: number; end: number; hint: string }[];
  /** As one types: from this device alone, within 50 ms; the whole result is a list: `lists.open({in: {search}})`. */
  quick(text: string, limit: number): Promise<Row[]>;
  /** Lower case without diacritics, ß as ss: for marking. Keeps no lengths. */
  fold(text: string): string;
}

// ----------------------------------------------------------------------------------------------- device

export interface DeviceState {
  used: number;
  quota: number | null;
  /** The browser promised not to clear it by itself. */
  persisted: boolean;
  emails: number;
  bodies: number;
  /** Bodies are here of mail received since then; null: none. */
  bodiesSince: Millis | null;
  /** The device is full: bodies were given up, oldest first. */
  full: boolean;
}

/**
 * Whether new mail is told to this device while no page of the webmail is open, where `notifications` is on.
 * unsupported: not by this browser; unoffered: not by this server; waiting: on its way;
 * failed: not now, it is tried again by itself.
 */
export type PushState = "unsupported" | "unoffered" | "off" | "waiting" | "on" | "failed";

export interface DevicePort {
  readonly state: Live<DeviceState>;
  /** Removes bodies and attachments from this device; what waits in the outbox stays. */
  clear(): Promise<Outcome>;
  /** Quota of the mailbox at the server; null: none or unknown. */
  readonly mailbox: Live<{ used: number; limit: number } | null>;
  /** A newer webmail was fetched; it takes over at the next start, or now by `update`. */
  readonly newer: Live<boolean>;
  update(): void;
  readonly notifications: Live<"unsupported" | "off" | "denied" | "on">;
  /** Call it from a click: the browser asks the person. */
  notify(on: boolean): Promise<Outcome>;
  readonly push: Live<PushState>;
}
