/** What is read: mailboxes, lists, conversations; and what is done with it. */

import type { Id, Live, Millis, Outcome, Problem } from "./outcome";

export type Role = "inbox" | "archive" | "drafts" | "sent" | "trash" | "junk" | "snoozed" | "scheduled" | "all";

/** A folder or a label: they are one thing. "Move" takes a message from one to another, "label" adds another. */
export interface Mailbox {
  id: Id;
  name: string;
  role: Role | null;
  parent: Id | null;
  /** 0 at the top; mailboxes come in the order they are drawn, children after their parent. */
  depth: number;
  /** Names from the top, for choosers: ["Projects", "2026"]. */
  path: string[];
  total: number;
  unread: number;
  totalThreads: number;
  unreadThreads: number;
  may: { add: boolean; remove: boolean; rename: boolean; delete: boolean; nest: boolean };
  /** A change of it isn't at the server yet. */
  pending: boolean;
}

export interface MailboxPort {
  /** Null: not known yet. */
  readonly all: Live<Mailbox[] | null>;
  byRole(role: Role): Mailbox | null;
  byId(id: Id): Mailbox | null;
  create(name: string, parent?: Id | null): Promise<Outcome<Id>>;
  rename(id: Id, name: string): Promise<Outcome>;
  nest(id: Id, parent: Id | null): Promise<Outcome>;
  /** Mail that stands only there goes to the trash. */
  remove(id: Id): Promise<Outcome>;
  /** Trash and junk only: destroys what is in it, at the server too. Needs the server: not offered offline. */
  empty(id: Id): Promise<Outcome<number>>;
}

// ------------------------------------------------------------------------------------------------ lists

export interface ListQuery {
  /** A mailbox; or `starred`, `unread`: over all mailboxes but trash and junk; or a search as it was typed. */
  in: { mailbox: Id } | { special: "starred" | "unread" } | { search: string; mailbox?: Id };
  /** One row for a conversation, or one for each message. */
  conversations: boolean;
  unreadOnly?: boolean;
  order?: "newest" | "oldest";
}

export interface ListView {
  /** Null: not known yet (draw placeholders for a screenful). */
  length: number | null;
  /** Index of rows[0]. */
  first: number;
  /** The rows asked for by `show`; null: still being fetched (draw a placeholder). */
  rows: (Row | null)[];
  /** Whose knowledge this is. `device`: what this device has, the server couldn't be asked (yet). */
  from: "server" | "device";
  /** False for `device` when there is more at the server than is on this device (say so below the last row). */
  complete: boolean;
  busy: boolean;
  problem: Problem | null;
  /** Of a search: words to mark in subject and preview, folded as `fold` of search does. */
  marks: string[];
}

/** A live window into a list of any length. Close it when it is no longer shown. */
export interface MailList {
  readonly query: ListQuery;
  readonly view: Live<ListView>;
  /** The rows that are (nearly) visible: indexes from `first`, `last` excluded. Cheap; call on every scroll. */
  show(first: number, last: number): void;
  /** A row if it is known now. */
  row(index: number): Row | null;
  /** Where a row stands now, if it is known; -1 otherwise. */
  indexOf(key: Id): number;
  /** The row `step` away from that one (for j/k while reading), fetched if needed; null at the ends. */
  beside(key: Id, step: 1 | -1): Promise<Row | null>;
  /** The Email ids of everything in the list ("select all 3,210"). */
  everything(): Promise<Outcome<Id[]>>;
  refresh(): void;
  close(): void;
}

export interface Person {
  name: string;
  email: string;
}

export interface Row {
  /** Thread id in a list of conversations, Email id otherwise. Stays the same while the row lives. */
  key: Id;
  thread: Id;
  /** Emails of the conversation, oldest first, in all mailboxes but trash and junk (unless the list is one of
   *  these); of a list of messages: the one. Hand them to `actions`. */
  emails: Id[];
  /** Senders, oldest first, each once; `me`: this account. In Sent and Drafts: the recipients. */
  people: (Person & { me: boolean; unread: boolean })[];
  subject: string;
  preview: string;
  date: Millis;
  count: number;
  unread: boolean;
  starred: boolean;
  attachments: boolean;
  /** There is an unsent draft in the conversation. */
  draft: boolean;
  answered: boolean;
  forwarded: boolean;
  /** Labels: mailboxes it stands in, without roles and without the list's own. */
  labels: Id[];
  mailboxes: Id[];
  snoozedUntil: Millis | null;
  /** A change of it isn't at the server yet. */
  pending: boolean;
}

export interface ListPort {
  open(query: ListQuery): MailList;
}

// ---------------------------------------------------------------------------------------------- threads

export interface ThreadView {
  readonly id: Id;
  /** Null: not known yet. Oldest first. Bodies of unread ones and of the newest are fetched by themselves. */
  readonly messages: Live<Message[] | null>;
  readonly problem: Live<Problem | null>;
  /** Asks for the body of a message (when it is unfolded). Cheap when it's there. */
  need(email: Id): void;
  close(): void;
}

export interface Message {
  id: Id;
  thread: Id;
  mailboxes: Id[];
  from: Person[];
  to: Person[];
  cc: Person[];
  bcc: Person[];
  replyTo: Person[];
  subject: string;
  /** As the sender dates it, and when it arrived. */
  sent: Millis | null;
  received: Millis;
  size: number;
  preview: string;
  unread: boolean;
  starred: boolean;
  draft: boolean;
  answered: boolean;
  forwarded: boolean;
  /** Shown with a warning: in junk, or the sender's domain doesn't vouch for it. */
  suspicious: boolean;
  snoozedUntil: Millis | null;
  /** Without angle brackets. */
  messageId: string[];
  inReplyTo: string[];
  references: string[];
  /** From List-Unsubscribe; `oneClick` after RFC 8058. Null: none. */
  unsubscribe: { mailto: string | null; url: string | null; oneClick: boolean } | null;
  attachments: Attachment[];
  body: Body;
  /** A change of it isn't at the server yet. */
  pending: boolean;
}

export type Body =
  /** Not on this device; being fetched, or fetched on `need`. */
  | { state: "waiting" }
  /** Not on this device and the server can't be asked: `problem` says why; `need` tries again. */
  | { state: "missing"; problem: Problem }
  | {
      state: "here";
      /** Sanitised by the server (nh3); the frame sanitises again. `cid:` and http(s) images are still in. Null: no HTML part. */
      html: string | null;
      /** Plain text; from the HTML when there's no text part. */
      text: string;
      /** Cut at the server's limit: offer the whole as download. */
      cut: boolean;
    };

export interface Attachment {
  /** Unique within the message. */
  part: string;
  blob: Id;
  name: string;
  type: string;
  size: number;
  /** Of an inline image, without angle brackets. */
  cid: string | null;
  inline: boolean;
  /** Its bytes are on this device. */
  here: boolean;
}

export interface ThreadPort {
  open(thread: Id): ThreadView;
  /** One message alone (lists of messages, printing, a reply to it). */
  message(email: Id): Promise<Outcome<Message>>;
  /** The bytes, as `application/octet-stream` unless `type` is asked for (inline images: only image/*, never SVG). */
  attachment(email: Id, part: string, type?: string): Promise<Outcome<Blob>>;
  /** The message as it was received (.eml, "show original"). */
  source(email: Id): Promise<Outcome<Blob>>;
}

// ---------------------------------------------------------------------------------------------- actions

export type ActionName =
  | "archive" | "move" | "label" | "unlabel" | "trash" | "destroy" | "junk" | "notJunk"
  | "read" | "unread" | "star" | "unstar" | "snooze" | "unsnooze";

/** What was done last, for "3 conversations archived. Undo". */
export interface Done {
  /** Counts up. */
  number: number;
  action: ActionName;
  emails: Id[];
  /** Conversations touched. */
  threads: number;
  /** Where to, of archive, move, label, trash, junk. */
  mailbox: Id | null;
  until: Millis | null;
  undoable: boolean;
}

/**
 * All take Email ids (`row.emails`, or one message's). `from` is the mailbox that is being looked at; null in
 * searches. With `from` only those standing there are moved, so that a conversation's sent mail stays in Sent;
 * without, all but those in Sent and Drafts. Shown at once everywhere, lists and counts included.
 */
export interface ActionPort {
  archive(emails: Id[], from: Id | null): Promise<Outcome<Done>>;
  move(emails: Id[], from: Id | null, to: Id): Promise<Outcome<Done>>;
  label(emails: Id[], mailbox: Id): Promise<Outcome<Done>>;
  unlabel(emails: Id[], mailbox: Id): Promise<Outcome<Done>>;
  /** To the trash, out of all other mailboxes. */
  trash(emails: Id[], from: Id | null): Promise<Outcome<Done>>;
  /** For good. Not undoable: ask before. */
  destroy(emails: Id[]): Promise<Outcome<Done>>;
  junk(emails: Id[], from: Id | null): Promise<Outcome<Done>>;
  notJunk(emails: Id[]): Promise<Outcome<Done>>;
  read(emails: Id[]): Promise<Outcome<Done>>;
  unread(emails: Id[]): Promise<Outcome<Done>>;
  star(emails: Id[]): Promise<Outcome<Done>>;
  unstar(emails: Id[]): Promise<Outcome<Done>>;
  snooze(emails: Id[], from: Id | null, until: Millis): Promise<Outcome<Done>>;
  unsnooze(emails: Id[]): Promise<Outcome<Done>>;
  /** The last thing that can be undone; null after it was, and when a page is opened. */
  readonly last: Live<Done | null>;
  /** Takes back the last action (key z); or that one. */
  undo(number?: number): Promise<Outcome>;
}
