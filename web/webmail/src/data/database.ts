/**
 * What is kept on this device. One database for who is signed in, one for each account's mail.
 *
 * `emails`, `objects` and `states` are what the server said last, always of one moment: they change in one
 * transaction. `operations` is what it doesn't know yet. What is shown is the one with the other laid over it.
 */

import { deleteDB, openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { Draft, Id, Millis, Problem } from "./contract";
import { isFull } from "./failures";
import type { JmapBody, JmapEmail, Session } from "./jmap/types";
import type { Operation } from "./operations";

export interface Tokens {
  access: string;
  refresh: string;
  until: Millis;
  tokenEndpoint: string;
  revocationEndpoint: string;
}

export interface Config {
  jmap: string;
  status: string;
  accounts: string;
  signup: string;
  product: string;
}

interface DeviceSchema extends DBSchema {
  known: { key: string; value: unknown };
}

/** Of the person rather than of the mail. */
export interface Known {
  config: Config;
  tokens: Tokens;
  session: Session;
  address: string;
  /** Of this device, as the server's PushSubscriptions have it. */
  id: string;
  push: KeptPush;
  pushCode: { id: Id; code: string };
  /** What was shown in a notification last. */
  announced: { account: Id; since: string; ids: Id[] };
  verifier: { state: string; verifier: string; tokenEndpoint: string; revocationEndpoint: string; hash: string };
}

/** This device among those that the server pushes to. RFC 8620 §7.2 */
export interface KeptPush {
  account: Id;
  id: Id;
  endpoint: string;
  made: Millis;
  until: Millis;
  /** The code that was pushed was given back. */
  proven: boolean;
}

export class Device {
  private constructor(private readonly db: IDBPDatabase<DeviceSchema>) {}

  static async open(): Promise<Device> {
    return new Device(await openDB<DeviceSchema>("holdfast", 1, { upgrade: (db) => void db.createObjectStore("known") }));
  }

  async get<K extends keyof Known>(key: K): Promise<Known[K] | undefined> {
    return (await this.db.get("known", key)) as Known[K] | undefined;
  }

  async put<K extends keyof Known>(key: K, value: Known[K]): Promise<void> {
    await this.db.put("known", value, key);
  }

  async remove(key: keyof Known): Promise<void> {
    await this.db.delete("known", key);
  }

  close(): void {
    this.db.close();
  }
}

/** `age`: the negative of when it was received, so that the newest come first. */
export type KeptEmail = JmapEmail & { age: number };
export const keep = (email: JmapEmail): KeptEmail => ({ ...email, age: -Date.parse(email.receivedAt) });
export type KeptBody = JmapBody & { age: number };
export interface KeptObject { type: string; id: Id; value: Record<string, unknown> & { id: Id } }
export interface KeptFile { id: Id; bytes: ArrayBuffer; type: string; name: string; used: Millis }
/** `used`: when it was asked for last, or received. */
export type KeptBlob = KeptFile & { size: number };
/** What is searched of a message besides what lists show, folded already. */
export interface KeptText { id: Id; text: string; names: string; bcc: string }

/** A draft of this device: its text, and which version of it is where. */
export interface KeptDraft {
  id: Id;
  draft: Draft;
  /** Counts up with every change; `serverVersion` is the one that the server has. */
  version: number;
  serverVersion: number;
  /** The Email in Drafts, while there is one. */
  email: Id | null;
  savedAt: Millis;
  /** Its window is open, or was when the browser ended. */
  open: boolean;
  state: "editing" | "sending" | "discarded" | "sent";
  conflict: { other: Id | null } | null;
  problem: Problem | null;
  /** Of attachments: the blob at the server, or null while the bytes are in `files` only. */
  blobs: Record<Id, Id | null>;
}

interface MailSchema extends DBSchema {
  emails: { key: Id; value: KeptEmail; indexes: { age: number } };
  bodies: { key: Id; value: KeptBody; indexes: { age: number } };
  texts: { key: Id; value: KeptText };
  objects: { key: [string, Id]; value: KeptObject; indexes: { type: string } };
  states: { key: string; value: unknown };
  operations: { key: number; value: Operation };
  drafts: { key: Id; value: KeptDraft };
  files: { key: Id; value: KeptFile };
  blobs: { key: Id; value: KeptBlob; indexes: { room: [Millis, number] } };
  names: { key: Id; value: Id };
}

export type MailDB = IDBPDatabase<MailSchema>;
export const STORES = [
  "emails", "bodies", "texts", "objects", "states", "operations", "drafts", "files", "blobs", "names",
] as const;
export type StoreName = (typeof STORES)[number];

export async function openMail(account: Id): Promise<MailDB> {
  return openDB<MailSchema>(nameOf(account), VERSION, {
    upgrade: (db, before) => {
      // What can be fetched again is, in its new shape.
      if (before) for (const store of ["bodies", "texts", "blobs"] as const) db.deleteObjectStore(store);
      db.createObjectStore("bodies", { keyPath: "id" }).createIndex("age", "age");
      db.createObjectStore("texts", { keyPath: "id" });
      db.createObjectStore("blobs", { keyPath: "id" }).createIndex("room", ["used", "size"]);
      if (before) return;
      db.createObjectStore("emails", { keyPath: "id" }).createIndex("age", "age");
      db.createObjectStore("objects", { keyPath: ["type", "id"] }).createIndex("type", "type");
      db.createObjectStore("states");
      db.createObjectStore("operations", { keyPath: "number", autoIncrement: true });
      db.createObjectStore("drafts", { keyPath: "id" });
      db.createObjectStore("files", { keyPath: "id" });
      db.createObjectStore("names");
    },
    blocking: (_, wanted, event) => {
      (event.target as IDBDatabase).close();
      // A newer webmail is open in another tab, and waits for this one.
      if (wanted !== null) (globalThis.location as Partial<Location> | undefined)?.reload?.();
    },
  });
}

const VERSION = 2;

export const nameOf = (account: Id): string => `holdfast-mail-${account}`;

export async function forget(account: Id): Promise<void> {
  await deleteDB(nameOf(account));
}

/** Another person's mail isn't left behind on this device, unless something of it still waits to be sent. */
export async function forgetOthers(account: Id): Promise<void> {
  for (const { name } of (await indexedDB.databases?.()) ?? []) {
    const other = name?.startsWith(nameOf("")) ? name.slice(nameOf("").length) : "";
    if (!other || other === account) continue;
    const db = await openMail(other);
    const waits = await db.count("operations");
    db.close();
    if (!waits) await forget(other);
  }
}

const GIVEN_UP_AT_ONCE = 0.25;

/** Runs a write; when the device is full, what can be fetched again makes room: attachments, then the oldest bodies. */
export async function makingRoom<T>(db: MailDB, write: () => Promise<T>, full: () => void): Promise<T> {
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (!isFull(error)) throw error;
      full();
      if (!(await giveUpSome(db))) throw error;
    }
  }
}

async function giveUpSome(db: MailDB): Promise<boolean> {
  const tx = db.transaction(["blobs", "bodies", "texts"], "readwrite");
  const blobs = await tx.objectStore("blobs").count();
  const bodies = await tx.objectStore("bodies").count();
  let left = Math.ceil((blobs || bodies) * GIVEN_UP_AT_ONCE);
  const gone = left > 0;
  if (blobs) {
    let cursor = await tx.objectStore("blobs").index("room").openKeyCursor();
    for (; cursor && left > 0; left--, cursor = await cursor.continue()) await tx.objectStore("blobs").delete(cursor.primaryKey);
  } else {
    let cursor = await tx.objectStore("bodies").index("age").openCursor(null, "prev");
    for (; cursor && left > 0; left--, cursor = await cursor.continue()) {
      await tx.objectStore("texts").delete(cursor.primaryKey);
      await cursor.delete();
    }
  }
  await tx.done;
  return gone;
}
