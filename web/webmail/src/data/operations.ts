/**
 * What was done here and isn't at the server yet. Written down before anything is sent, sent in the order of
 * their numbers within a lane, taken away when the server has answered.
 *
 * A change is a patch of JMAP, for each keyword and each mailbox its own: what another device changed meanwhile
 * stays, unless it is the very same thing, where the later one to arrive counts.
 */

import type { ActionName, Id, Millis, Problem } from "./contract";
import { merged, patched, type Patch } from "./patches";

interface Common {
  /** Given by the database, counting up. */
  number: number;
  id: Id;
  /** Lanes don't wait for each other. */
  lane: string;
  made: Millis;
  /** It was being sent when the tab ended, perhaps; whether the server has it must be asked. */
  begun: boolean;
  tries: number;
  state: "waiting" | "sending" | "refused" | "sent" | "held";
  problem: Problem | null;
}

export interface SetOperation extends Common {
  kind: "set";
  type: string;
  create: Record<Id, Record<string, unknown> & { id: Id }>;
  update: Record<Id, Patch>;
  destroy: Id[];
  /** Of Mailbox/set, onDestroyRemoveEmails and the like. */
  args: Record<string, unknown>;
  action: ActionName | null;
  count: number;
  /** What becomes of Emails by a set of another type (Snooze), until the server says so itself. */
  shown: Record<Id, Patch>;
}

export interface DraftOperation extends Common {
  kind: "draft" | "discard";
  draft: Id;
}

export interface SendOperation extends Common {
  kind: "send";
  draft: Id;
  /** Without angle brackets; of the message that is sent, so that a second try finds the first. */
  messageId: string;
  at: Millis | null;
  undoSeconds: number;
  /** Not before: where the server holds nothing back, it waits here. */
  notBefore: Millis;
  subject: string;
  to: { name: string; email: string }[];
  email: Id | null;
  submission: Id | null;
}

export type Operation = SetOperation | DraftOperation | SendOperation;
/** One that has no number yet. */
export type Fresh<T extends Operation = Operation> = T extends Operation ? Omit<T, "number"> : never;

/** Whether it still waits for the server to know it. */
export const isPending = (operation: Operation): boolean => operation.state === "waiting" || operation.state === "sending";

/** Sets in a row that may go as one: the same type, updates only. */
export function run(operations: Operation[], most: number): SetOperation[] {
  const first = operations[0];
  if (first?.kind !== "set") return [];
  const found = [first];
  const touched = new Set(Object.keys(first.update));
  for (const next of operations.slice(1)) {
    if (!coalesces(first) || next.kind !== "set" || next.type !== first.type || !coalesces(next)) break;
    for (const id of Object.keys(next.update)) touched.add(id);
    if (touched.size > most) break;
    found.push(next);
  }
  return found;
}

const coalesces = (set: SetOperation): boolean =>
  !Object.keys(set.create).length && !set.destroy.length && !Object.keys(set.args).length;

/** What several updates come to. */
export function together(sets: SetOperation[]): Record<Id, Patch> {
  const found: Record<Id, Patch> = {};
  for (const set of sets) {
    for (const [id, patch] of Object.entries(set.update)) found[id] = merged(found[id] ?? {}, patch);
  }
  return found;
}

/** What waits, laid over what the server said last. Null: gone. */
export function overlay<T extends { id: Id }>(type: string, operations: Operation[]): Map<Id, (base: T | null) => T | null> {
  const found = new Map<Id, (base: T | null) => T | null>();
  const then = (id: Id, change: (base: T | null) => T | null) => {
    const before = found.get(id);
    found.set(id, before ? (base) => change(before(base)) : change);
  };
  for (const operation of operations) {
    if (operation.kind !== "set" || !isPending(operation)) continue;
    if (type === "Email") for (const [id, patch] of Object.entries(operation.shown)) then(id, (base) => base && patched(base, patch));
    if (operation.type !== type) continue;
    for (const [id, value] of Object.entries(operation.create)) then(id, () => value as unknown as T);
    for (const [id, patch] of Object.entries(operation.update)) then(id, (base) => base && patched(base, patch));
    for (const id of operation.destroy) then(id, () => null);
  }
  return found;
}
