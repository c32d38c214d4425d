/** Who is signed in, and whether the service is there. */

import type { Id, Live, Millis, Outcome, Problem } from "./outcome";

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

// ------------------------------------------------------------------------------------------- connection

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
