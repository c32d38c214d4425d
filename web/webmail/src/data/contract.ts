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

import type { ReadonlySignal } from "@preact/signals";

export type Live<T> = ReadonlySignal<T>;
/** The server's id of an Email, Thread, Mailbox, Identity, Contact; or one made here (`local-…`), good for as long. */
export type Id = string;
/** Milliseconds since 1970. */
export type Millis = number;

// ---------------------------------------------------------------------------------------------- outcomes

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

// ------------------------------------------------------------------------------------------------ session

export type SignIn =
  /** Being looked up on this device: draw nothing yet (takes a few ms). */
  | { state: "unknown" }
  | {
      state: "out";
      why: "new" | "signed-out" | "expired";
      /** Of the last account used here, to fill in. */
      address: string | null;
      /** Why signing in didn't work just now (e.g. unreachable, with what the status feed says in `connection`). */
      problem: Problem | null;
    }
  | {
      state: "in";
      account: Account;
      /** The server asks for a new sign-in: all that's on the device can be read and written; nothing is sent before. */
      renew: boolean;
    };

export interface Account {
  id: Id;
  address: string;
  name: string;
  limits: { attachment: number; message: number; delayedSend: number };
  /** What this server offers: a control for what isn't offered isn't drawn. */
  can: { send: boolean; sendLater: boolean; snooze: boolean; contacts: boolean; settings: boolean; push: boolean };
}

export interface SessionPort {
  readonly signIn: Live<SignIn>;
  /** Leaves the page for the sign-in page of the service; comes back here. Resolves only when it can't be left. */
  goSignIn(address?: string): Promise<Outcome>;
  /** Ends the session at the server (when reachable) and removes everything of it from this device.
   *  Look at `outbox.waiting` first: what waits is lost, and must be said before. */
  signOut(): Promise<Outcome>;
  /** Addresses of the pages beside the webmail; empty strings where there are none. From /config.json. */
  readonly links: Live<Links>;
}

export interface Links {
  product: string;
  accounts: string;
  signup: string;
  status: string;
}

// --------------------------------------------------------------------------------------------- connection

export type FunctionName = "receive" | "send" | "imap" | "pop3" | "webmail" | "password" | "signup";

export type Connection =
  | { state: "online" }
  /** This device has no network (says the browser). */
  | { state: "offline"; since: Millis }
  /** The service doesn't answer, or says by its status feed that a function is out of order. */
  | { state: "trouble"; since: Millis; faults: Fault[]; feed: Feed };

export interface Fault {
  name: FunctionName;
  level: "degraded" | "down" | "unknown";
  /** `seen`: this browser noticed it itself; `feed`: told by the provider. */
  source: "seen" | "feed";
  since: Millis | null;
  /** The provider's words on what happened, newest first; as published, in the page's language if it is given. */
  said: string | null;
  /** The functions that work meanwhile, as told by the feed; empty when unknown. */
  works: FunctionName[];
  nextUpdate: Millis | null;
}

export type Feed = { state: "none" | "unreachable" } | { state: "read"; at: Millis; url: string };

export interface ConnectionPort {
  readonly now: Live<Connection>;
  /** Whether a try to reach the service is under way, and when the next comes by itself. */
  readonly trying: Live<{ busy: boolean; next: Millis | null }>;
  /** "Try now". */
  retry(): void;
  readonly sync: Live<SyncState>;
}

export interface SyncState {
  /** `first`: the mailbox comes to this device for the first time; `bodies`: texts of the last days are fetched. */
  phase: "idle" | "first" | "changes" | "bodies";
  done: number;
  total: number;
  /** When this device was last equal to the server; null: never. */
  upToDate: Millis | null;
}

// ---------------------------------------------------------------------------------------------- mailboxes

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

// -------------------------------------------------------------------------------------------------- lists

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

// ------------------------------------------------------------------------------------------------- threads

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

// ------------------------------------------------------------------------------------------------- actions

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

// -------------------------------------------------------------------------------------------------- drafts

export interface Draft {
  /** Made here, the same for all its life; not an Email id. */
  readonly id: Id;
  /** Identity it is sent from. */
  identity: Id | null;
  to: Person[];
  cc: Person[];
  bcc: Person[];
  replyTo: Person[];
  subject: string;
  format: "rich" | "plain";
  /** Of rich ones; inline images as `cid:`. */
  html: string;
  /** Of plain ones; for rich ones the text alternative is made by the data layer when empty. */
  text: string;
  /** The Email it answers or forwards: gives In-Reply-To, References and, once sent, its mark. */
  about: { email: Id; as: "reply" | "forward" } | null;
  attachments: DraftAttachment[];
}

export interface DraftAttachment {
  id: Id;
  name: string;
  type: string;
  size: number;
  /** Of inline images. */
  cid: string | null;
  /** 0…1 while it goes up; 1: at the server. Offline it is `kept` and goes up later. */
  progress: number;
  state: "kept" | "uploading" | "ready" | "failed";
  problem: Problem | null;
}

export interface DraftState {
  draft: Draft;
  /** `typing`: not written yet; `device`: written here; `server`: saved there too. */
  saved: "typing" | "device" | "server";
  savedAt: Millis | null;
  /** The draft was edited elsewhere too: theirs stays as a draft of its own (`other`), yours is this one. */
  conflict: { other: Id | null } | null;
  problem: Problem | null;
}

export interface DraftPort {
  /** Unsent drafts that were last edited on this device: to open again after a crash. Email drafts of the
   *  server are rows of the mailbox Drafts; open them by `edit`. */
  readonly here: Live<Draft[]>;
  create(fill: Partial<Omit<Draft, "id" | "attachments">>): Promise<Outcome<Draft>>;
  /** The draft behind an Email in Drafts, with its attachments. */
  edit(email: Id): Promise<Outcome<Draft>>;
  /** Attachments of a message for forwarding it: they aren't downloaded. */
  attachFrom(draft: Id, email: Id, parts?: string[]): Promise<Outcome>;
  watch(draft: Id): Live<DraftState | null>;
  /** Call on every pause of typing (every second or so): written here at once, at the server within seconds.
   *  Attachments are not changed by it. */
  save(draft: Draft): Promise<Outcome>;
  attach(draft: Id, file: Blob, name: string, inline?: boolean): Promise<Outcome<DraftAttachment>>;
  detach(draft: Id, attachment: Id): Promise<Outcome>;
  /** The bytes of an attachment of a draft (inline images while editing). */
  bytes(draft: Id, attachment: Id): Promise<Outcome<Blob>>;
  /** Undoable for a while by `restore`. */
  discard(draft: Id): Promise<Outcome>;
  restore(draft: Id): Promise<Outcome<Draft>>;
  /** Takes the draft out of `here` without discarding it: its window was closed. */
  put(draft: Id): Promise<Outcome>;
  /** Sends it. `at`: later; otherwise after `settings.undoSeconds`, in which `outbox.undo` takes it back.
   *  Checked before: a sender, a recipient, sizes. Offline it waits in the outbox. */
  send(draft: Id, at?: Millis): Promise<Outcome<OutboxEntry>>;
}

// -------------------------------------------------------------------------------------------------- outbox

/** Something that isn't at the server yet, or a message on its way. */
export interface OutboxEntry {
  id: Id;
  kind: "send" | "draft" | "change" | "contact" | "settings" | "mailbox";
  /** Of changes. */
  action: ActionName | null;
  /** Of messages. */
  draft: Id | null;
  subject: string;
  to: Person[];
  count: number;
  made: Millis;
  /**
   * waiting: for its turn or for the network. sending. held: at the server, goes out at `at` (undo, send later).
   * sent: gone. refused: will not be tried again; `problem` says why; a change was taken back here.
   * paused: `problem` has to be mended first (a new sign-in).
   */
  state: "waiting" | "sending" | "held" | "sent" | "refused" | "paused";
  at: Millis | null;
  problem: Problem | null;
  /** How often it was tried. */
  tries: number;
}

export interface OutboxPort {
  /** Oldest first. Messages stay for a minute after they were sent; refused ones until dismissed. */
  readonly entries: Live<OutboxEntry[]>;
  /** Changes and messages that are not at the server yet: to be said before signing out. */
  readonly waiting: Live<number>;
  /** Takes a message back: while waiting, in its undo window, or scheduled. Gives the draft to edit. */
  undo(entry: Id): Promise<Outcome<Draft>>;
  /** Of a message that waits or is held for later: now. */
  sendNow(entry: Id): Promise<Outcome>;
  retry(entry: Id): Promise<Outcome>;
  /** Of refused ones: away with it. A refused message stays as draft. */
  dismiss(entry: Id): Promise<Outcome>;
}

// ------------------------------------------------------------------------------------------------ contacts

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

// --------------------------------------------------------------------------------- identities and settings

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

// -------------------------------------------------------------------------------------------------- search

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

// ---------------------------------------------------------------------------------------- device, the rest

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
}

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

export const DEFAULT_SETTINGS: Settings = {
  language: "auto", theme: "auto", density: "comfortable", reading: "right", conversations: true,
  keys: "gmail", ownKeys: {}, afterMove: "next", markRead: "now", images: "ask", imagesFrom: [],
  undoSeconds: 10, format: "rich", quote: "above", defaultIdentity: null, attachmentReminder: true,
  offlineDays: 30, notify: false, searches: [], own: {},
};
