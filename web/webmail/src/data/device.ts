/** The room that the mail takes on this device. */

import { signal } from "@preact/signals";
import type { DeviceState, Outcome } from "./contract";
import { outcome } from "./failures";
import type { Kept } from "./kept";
import type { World } from "./world";

const storage = (): StorageManager | null => (typeof navigator === "undefined" ? null : navigator.storage ?? null);

export class DeviceStorage {
  readonly state = signal<DeviceState>({ used: 0, quota: null, persisted: false, emails: 0, bodies: 0, bodiesSince: null, full: false });

  constructor(
    private readonly world: World,
    private readonly kept: Kept,
  ) {
    void this.measure();
  }

  /** Asks the browser not to clear it by itself. */
  async persist(): Promise<void> {
    await storage()?.persist?.().catch(() => false);
    await this.measure();
  }

  async measure(): Promise<void> {
    try {
      const { db } = this.kept;
      const estimate = await storage()?.estimate?.();
      const oldest = await db.transaction("bodies").store.index("age").openKeyCursor(null, "prev");
      this.state.value = {
        used: estimate?.usage ?? 0, quota: estimate?.quota ?? null, persisted: (await storage()?.persisted?.()) ?? false,
        emails: await db.count("emails"), bodies: await db.count("bodies"),
        bodiesSince: oldest ? Math.min(this.world.now(), -(oldest.key as number)) : null, full: this.kept.full.value,
      };
    } catch {
      // The database was closed meanwhile: there is nothing to tell any more.
    }
  }

  clear(): Promise<Outcome> {
    return outcome("unchanged", async () => {
      const { db } = this.kept;
      for (const store of ["bodies", "texts", "blobs"] as const) await db.clear(store);
      this.kept.full.value = false;
      await this.measure();
    });
  }
}
