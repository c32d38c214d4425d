/** One setting, live: components that read it are drawn again only when this one changes. */

import { computed, type ReadonlySignal } from "@preact/signals";
import { mail, type Settings } from "../data";

const live = new Map<keyof Settings, ReadonlySignal<unknown>>();

export function setting<Name extends keyof Settings>(name: Name): Settings[Name] {
  let one = live.get(name);
  if (!one) live.set(name, (one = computed(() => mail.settings.now.value[name])));
  return one.value as Settings[Name];
}
