/** What is written: drafts, and what is on its way. */

import type { Id, Live, Millis, Outcome, Problem } from "./outcome";
import type { ActionName, Person } from "./mail";

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

// ----------------------------------------------------------------------------------------------- outbox

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
