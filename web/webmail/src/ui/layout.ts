/** How much room there is: three panes on wide screens, two on middle ones, one on telephones and at 400 % zoom. */

import { computed, signal, type ReadonlySignal } from "@preact/signals";
import { setting } from "./setting";

export const narrow = matching("(max-width: 700px)");
const wide = matching("(min-width: 1100px)");
export const touch = matching("(pointer: coarse)");

/** The conversation stands beside its list or below it; otherwise in its place. */
export const beside = computed(() => (wide.value && setting("reading") !== "own" ? setting("reading") : "own"));

/** On a telephone the mailboxes are a drawer. */
export const drawer = signal(false);

const deviceDark = matching("(prefers-color-scheme: dark)");

/** The page is light text on dark ground. */
export const dark = computed(() => setting("theme") === "dark" || (setting("theme") === "auto" && deviceDark.value));

function matching(query: string): ReadonlySignal<boolean> {
  if (typeof matchMedia !== "function") return signal(false);
  const asked = matchMedia(query);
  const now = signal(asked.matches);
  asked.addEventListener("change", () => {
    now.value = asked.matches;
  });
  return now;
}
