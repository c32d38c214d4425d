/** Identities and settings. */

import { computed, type ReadonlySignal } from "@preact/signals";
import { DEFAULT_SETTINGS, type Identity, type IdentityPort, type Person, type Settings, type SettingsPort } from "./contract";
import { outcome } from "./failures";
import type { JmapIdentity } from "./jmap/types";
import type { Kept } from "./kept";
import type { Outbox } from "./outbox/outbox";
import { pointer, type Patch } from "./patches";
import { people } from "./rows";
import { freshId } from "./world";

const SINGLETON = "singleton";
const addresses = (list: Person[]) => (list.length ? list.map(({ name, email }) => ({ name: name || null, email })) : null);

export function identities(kept: Kept, outbox: Outbox): IdentityPort {
  const things = kept.things<JmapIdentity>("Identity");
  const all = computed(() => things.value && [...things.value.values()].map((each): Identity => ({
    id: each.id, name: each.name, email: each.email, replyTo: people(each.replyTo), bcc: people(each.bcc),
    textSignature: each.textSignature, htmlSignature: each.htmlSignature, mayDelete: each.mayDelete,
    pending: kept.pendingObject("Identity", each.id),
  })));
  return {
    all,
    create: (identity) => outcome("unchanged", async () => {
      const id = freshId();
      const { name, email, textSignature, htmlSignature } = identity;
      await outbox.set("Identity", { create: { [id]: { id, name, email, textSignature, htmlSignature, replyTo: addresses(identity.replyTo), bcc: addresses(identity.bcc) } } });
      return id;
    }),
    update: (id, patch) => outcome("unchanged", async () => {
      const { replyTo, bcc, ...plain } = patch;
      const wire: Patch = { ...plain, ...(replyTo ? { replyTo: addresses(replyTo) } : {}), ...(bcc ? { bcc: addresses(bcc) } : {}) };
      await outbox.set("Identity", { update: { [kept.real(id)]: wire } });
    }),
    remove: (id) => outcome("unchanged", async () => void (await outbox.set("Identity", { destroy: [kept.real(id)] }))),
  };
}

export class PersonalSettings {
  readonly now: ReadonlySignal<Settings>;

  constructor(
    kept: Kept,
    private readonly outbox: Outbox,
    private readonly offered: () => boolean,
  ) {
    const things = kept.things<Record<string, unknown> & { id: string }>("Settings");
    this.now = computed(() => {
      const { id: _, ...stored } = things.value?.get(SINGLETON) ?? { id: "" };
      return { ...DEFAULT_SETTINGS, ...(stored as Partial<Settings>) };
    });
  }

  port(): SettingsPort {
    return {
      now: this.now,
      set: (patch) => outcome("unchanged", async () => {
        if (!this.offered()) return;
        const wire = Object.fromEntries(Object.entries(patch).map(([name, value]) => [pointer(name), value]));
        await this.outbox.set("Settings", { update: { [SINGLETON]: wire } });
      }),
    };
  }
}
