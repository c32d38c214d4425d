/** Windows in which messages are written, beside everything else; on wide screens. Small: the first view has it. */

import { signal } from "@preact/signals";
import type { ComposeRoute } from "../ui/router";

export interface Asked {
  number: number;
  route: ComposeRoute;
  minimised: boolean;
}

export const asked = signal<Asked[]>([]);
let count = 0;

/** Whether there is room for windows beside the list; otherwise a message is written in the whole room. */
export function hasRoom(): boolean {
  return typeof matchMedia === "function" && matchMedia("(min-width: 1100px)").matches;
}

/** Opens a window; for a draft that has one, shows that. */
export function askWindow(route: ComposeRoute): void {
  const open = route.kind === "draft" && asked.value.find((each) => each.route.kind === "draft" && each.route.about === route.about);
  if (open) minimise(open.number, false);
  else asked.value = [...asked.value, { number: ++count, route, minimised: false }];
}

export function minimise(number: number, minimised: boolean): void {
  asked.value = asked.value.map((each) => (each.number === number ? { ...each, minimised } : each));
}

export function closeWindow(number: number): void {
  asked.value = asked.value.filter((each) => each.number !== number);
}
