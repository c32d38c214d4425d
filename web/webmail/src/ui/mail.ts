/** The mail that the interface shows: real or sample. Set once, before anything is drawn. */

import { computed } from "@preact/signals";
import type { Settings, Webmail } from "../data/contract";

let held: Webmail | undefined;

export function provide(webmail: Webmail): void {
  held = webmail;
}

export function mail(): Webmail {
  if (!held) throw new Error("provide() comes before anything is drawn");
  return held;
}

/** One setting, live: components that read it are drawn again only when this one changes. */
export function setting<Name extends keyof Settings>(name: Name): Settings[Name] {
  let live = settings.get(name);
  if (!live) settings.set(name, (live = computed(() => mail().settings.now.value[name])));
  return live.value as Settings[Name];
}

const settings = new Map<keyof Settings, { readonly value: unknown }>();
