/** When the list's focus follows its cursor: a key moved it, or what had the focus has just gone. */

import { signal } from "@preact/signals";

const asked = signal(0);
let given = 0;

/** The row of the cursor takes the focus as soon as it is drawn. */
export function takeFocus(): void {
  asked.value += 1;
}

/** For the list: whether its row should take the focus now; reading it draws the list again when it should. */
export function focusWanted(): boolean {
  return asked.value > given;
}

export function focusGiven(): void {
  given = asked.peek();
}
