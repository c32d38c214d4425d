/** Whom one writes to, as whom, and how one likes it. */

import type { Id, Live, Outcome } from "./outcome";
import type { Person } from "./mail";

export interface Contact {
  id: Id;
  kind: "person" | "organization" | "group";
  name: string;
  given: string;
  surname: string;
  nickname: string;
  organization: string;
  title: string;
  emails: { address: string; label: "private" | "work" | "" }[];
  phones: { number: string; label: "private" | "work" | "mobile" | "" }[];
  addresses: { text: string; label: "private" | "work" | "" }[];
  birthday: string; // ISO date or ""
  note: string;
  /** Of groups: contact ids. */
  members: Id[];
  pending: boolean;
}

export interface ContactPort {
  /** Sorted by name; null: not known yet. */
  readonly all: Live<Contact[] | null>;
  /** For completion: contacts, groups, then people written to before. At once, from memory. */
  suggest(text: string, limit?: number): Suggestion[];
  /** For the list of contacts. */
  find(text: string): Contact[];
  byAddress(email: string): Contact | null;
  create(contact: Omit<Contact, "id" | "pending">): Promise<Outcome<Id>>;
  update(id: Id, patch: Partial<Omit<Contact, "id" | "pending">>): Promise<Outcome>;
  remove(ids: Id[]): Promise<Outcome>;
}

export interface Suggestion {
  /** Several for a group. */
  people: Person[];
  label: string;
  contact: Id | null;
}

// ------------------------------------------------------------------------------ identities and settings

export interface Identity {
  id: Id;
  name: string;
  email: string;
  replyTo: Person[];
  bcc: Person[];
  textSignature: string;
  htmlSignature: string;
  mayDelete: boolean;
  pending: boolean;
}

export interface IdentityPort {
  readonly all: Live<Identity[] | null>;
  create(identity: Omit<Identity, "id" | "mayDelete" | "pending">): Promise<Outcome<Id>>;
  update(id: Id, patch: Partial<Omit<Identity, "id" | "mayDelete" | "pending" | "email">>): Promise<Outcome>;
  remove(id: Id): Promise<Outcome>;
}

/** Kept at the server, the same on every device; usable before and without it. */
export interface Settings {
  language: "auto" | "de" | "en";
  theme: "auto" | "light" | "dark";
  density: "comfortable" | "compact";
  /** Where a message is read. */
  reading: "right" | "below" | "own";
  conversations: boolean;
  /** Key map; `off`: no single-key shortcuts (WCAG 2.1.4). */
  keys: "gmail" | "fastmail" | "off";
  /** Own keys: action name → key. */
  ownKeys: Record<string, string>;
  afterMove: "next" | "previous" | "list";
  markRead: "now" | "after" | "never";
  images: "ask" | "contacts" | "always";
  /** Addresses whose remote images are shown without asking. */
  imagesFrom: string[];
  undoSeconds: number;
  format: "rich" | "plain";
  quote: "above" | "below";
  defaultIdentity: Id | null;
  attachmentReminder: boolean;
  /** Days whose bodies are kept on the device; 0: none. */
  offlineDays: number;
  notify: boolean;
  searches: { name: string; text: string }[];
  /** What's put here is kept as it is: state of the interface that should follow the person. */
  own: Record<string, unknown>;
}

export interface SettingsPort {
  readonly now: Live<Settings>;
  set(patch: Partial<Settings>): Promise<Outcome>;
}

export const DEFAULT_SETTINGS: Settings = {
  language: "auto", theme: "auto", density: "comfortable", reading: "right", conversations: true,
  keys: "gmail", ownKeys: {}, afterMove: "next", markRead: "now", images: "ask", imagesFrom: [],
  undoSeconds: 10, format: "rich", quote: "above", defaultIdentity: null, attachmentReminder: true,
  offlineDays: 30, notify: false, searches: [], own: {},
};
