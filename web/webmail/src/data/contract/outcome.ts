/** Words that all the others use. */

import type { ReadonlySignal } from "@preact/signals";

export type Live<T> = ReadonlySignal<T>;
/** The server's id of an Email, Thread, Mailbox, Identity, Contact; or one made here (`local-…`), good for as long. */
export type Id = string;
/** Milliseconds since 1970. */
export type Millis = number;

export type Outcome<T = void> = { ok: true; value: T } | { ok: false; problem: Problem };

/** A failure the interface can speak of: `texts` has a sentence for each `what`, each `safe` and each `remedy`. */
export interface Problem {
  what:
    | "offline" // this device has no network
    | "unreachable" // the service doesn't answer (timeout, connection refused, frozen)
    | "unavailable" // the service answers that this function is out of order (503, serverUnavailable)
    | "sign-in" // the service wants a new sign-in
    | "not-here" // asked for something that isn't on this device, while the service can't be asked
    | "gone" // no longer exists (deleted elsewhere)
    | "changed" // changed elsewhere meanwhile
    | "forbidden" // not allowed for this account
    | "too-large" // message or attachment above the limit
    | "quota" // the mailbox is full
    | "device-full" // no more room in this browser
    | "recipient" // an address is wrong or refused; `addresses` says which
    | "sender" // the sender's address isn't allowed
    | "rate" // too much in too short a time
    | "invalid" // refused as malformed: a fault of ours or of what was typed
    | "unknown"; // anything else; `detail` has the server's words
  /** What became of the person's work. */
  safe:
    | "kept" // written on this device; it will be sent when that's possible
    | "unchanged" // nothing was changed, nothing is lost
    | "undone" // it had been shown as done and was taken back; the server's state is shown again
    | "draft"; // the message is kept as a draft
  remedy: "wait" | "retry" | "sign-in" | "free-space" | "edit" | "shrink" | "none";
  /** When it will be tried again by itself, if it will. */
  retryAt?: Millis;
  addresses?: string[];
  limit?: number;
  /** The server's own words, in whatever language: to be shown small, or copied into a report. */
  detail?: string;
}
