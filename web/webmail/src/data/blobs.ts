/** The bytes of attachments on this device: those that were asked for, and the small ones of the last days. */

import { signal } from "@preact/signals";
import type { Id, Millis } from "./contract";
import { makingRoom, type KeptBody } from "./database";
import { Failure } from "./failures";
import type { Client } from "./jmap/client";
import type { Part } from "./jmap/types";
import type { Kept } from "./kept";
import type { World } from "./world";

const KEPT_BYTES = 20_000_000; // a larger one isn't kept when it was opened
const SMALL_BYTES = 256 * 1024; // one that comes by itself
const SMALL_ROOM = 50_000_000; // of those together, the newest
const ROOM = 200_000_000; // of all together, those used last
const DAY_MS = 86_400_000;
const OCTETS = "application/octet-stream";

export class Blobs {
  /** Whose bytes are here. */
  readonly here = signal<ReadonlySet<Id>>(new Set());
  /** Messages whose small attachments are here, or can't be had; and how many bytes they have. */
  private readonly done = new Map<Id, number>();

  constructor(
    private readonly world: World,
    private readonly client: Client,
    private readonly kept: Kept,
  ) {}

  /** Which are here may have been changed by another tab. */
  async look(): Promise<void> {
    this.here.value = new Set(await this.kept.db.getAllKeys("blobs"));
  }

  /** From this device or the server. Throws `Failure`. */
  async get(id: Id, name: string, type: string): Promise<Blob> {
    const { db } = this.kept;
    const found = await db.get("blobs", id);
    if (found) {
      await db.put("blobs", { ...found, used: this.world.now() }).catch(() => undefined);
      return new Blob([found.bytes], { type });
    }
    const bytes = await this.client.download(id, name, OCTETS);
    if (bytes.byteLength <= KEPT_BYTES) {
      await this.put(id, name, bytes, this.world.now()).catch(() => undefined); // it is shown all the same
      await this.trim();
      await this.look();
    }
    return new Blob([bytes], { type });
  }

  /** Of the last `days` the small ones that are missing here, newest first, until it is to stop. Throws `Failure`. */
  async fetchSmall(days: number, stop: () => boolean): Promise<void> {
    if (days <= 0) return;
    const { db, full } = this.kept;
    const since = IDBKeyRange.upperBound(-(this.world.now() - days * DAY_MS));
    let room = SMALL_ROOM;
    let came = 0;
    for (const id of await db.getAllKeysFromIndex("bodies", "age", since)) {
      if (room <= 0 || full.value || stop()) break;
      if (!this.done.has(id)) {
        const body = await db.get("bodies", id);
        const small = body ? smallOf(body) : [];
        for (const part of small) came += await this.fetch(part, -body!.age);
        this.done.set(id, small.reduce((sum, part) => sum + part.size, 0));
      }
      room -= this.done.get(id)!;
    }
    if (!came) return;
    await this.trim();
    await this.look();
  }

  /** How many came. One that is gone isn't missed. */
  private async fetch({ blobId, name, size }: Part, received: Millis): Promise<number> {
    if (!blobId || size > SMALL_BYTES || (await this.kept.db.getKey("blobs", blobId)) !== undefined) return 0;
    try {
      await this.put(blobId, name ?? "", await this.client.download(blobId, name ?? "attachment", OCTETS), received);
      return 1;
    } catch (error) {
      if (error instanceof Failure && error.temporary) throw error;
      return 0;
    }
  }

  private async put(id: Id, name: string, bytes: ArrayBuffer, used: Millis): Promise<void> {
    const { db, full } = this.kept;
    const file = { id, bytes, size: bytes.byteLength, type: OCTETS, name, used };
    await makingRoom(db, () => db.put("blobs", file), () => (full.value = true));
  }

  /** Keeps all of them together within bounds. */
  private async trim(): Promise<void> {
    const store = this.kept.db.transaction("blobs", "readwrite").store;
    let room = ROOM;
    for (let cursor = await store.index("room").openKeyCursor(null, "prev"); cursor; cursor = await cursor.continue()) {
      room -= cursor.key[1];
      if (room < 0) await store.delete(cursor.primaryKey);
    }
  }
}

const smallOf = (body: KeptBody): Part[] => body.attachments.filter((part) => part.blobId && part.size <= SMALL_BYTES);
