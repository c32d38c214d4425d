/**
 * What the interface may ask of the mail, and what it is told: the whole border between what is shown and
 * what is synced, stored and sent. `sample.ts` (in memory) and `webmail.ts` (the real one) implement it.
 *
 * Rules that hold everywhere:
 * - Whatever changes is a signal (`Live`): read `.value` in a component and it is drawn again by itself.
 *   Values are never changed in place; a new value is a new object, an unchanged part keeps its identity.
 * - A change is shown at once, then written to this device, then sent. The promise of an action resolves when
 *   it is durable on this device: from then on it survives closing the browser.
 * - Nothing throws. What can fail returns an `Outcome`, whose `Problem` says what failed, what is safe, what to do.
 * - What is out of reach is never shown as empty: a list that couldn't be read has a `problem` or stale rows.
 * - Times are milliseconds since 1970 (UTC); sizes are bytes; addresses are as written (no IDNA decoding needed).
 * - Nothing here waits for the network before the interface may draw: what is on the device comes first.
 */

import type { Id, Live, Problem } from "./contract/outcome";
import type { ConnectionPort, SessionPort } from "./contract/service";
import type { ActionPort, ListPort, MailboxPort, Row, ThreadPort } from "./contract/mail";
import type { DraftPort, OutboxPort } from "./contract/writing";
import type { ContactPort, IdentityPort, SettingsPort } from "./contract/person";
import type { DevicePort, SearchPort } from "./contract/device";

export type * from "./contract/outcome";
export type * from "./contract/service";
export type * from "./contract/mail";
export type * from "./contract/writing";
export type * from "./contract/person";
export type * from "./contract/device";
export { DEFAULT_SETTINGS } from "./contract/person";

/** New mail that came while the page is open (for a sound, the title, an announcement to screen readers). */
export interface Arrival {
  count: number;
  first: Row;
}

export interface Webmail {
  readonly session: SessionPort;
  readonly connection: ConnectionPort;
  readonly mailboxes: MailboxPort;
  readonly lists: ListPort;
  readonly threads: ThreadPort;
  readonly actions: ActionPort;
  readonly drafts: DraftPort;
  readonly outbox: OutboxPort;
  readonly contacts: ContactPort;
  readonly identities: IdentityPort;
  readonly settings: SettingsPort;
  readonly search: SearchPort;
  readonly device: DevicePort;
  readonly arrival: Live<Arrival | null>;
  /** Problems that belong to no call of the interface: a change refused later, a device that is full. Show, then `seen`. */
  readonly problems: Live<{ id: Id; problem: Problem; entry: Id | null }[]>;
  seen(id: Id): void;
}
