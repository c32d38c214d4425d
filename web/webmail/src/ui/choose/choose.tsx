/** The question that is being asked, if there is one. */

import { asked } from "./asked";
import { GoTo, Label, Move } from "./mailboxes";
import { Snooze } from "./snooze";

export function Questions() {
  const now = asked.value;
  if (!now) return null;
  if (now.what === "go") return <GoTo />;
  if (now.what === "move") return <Move of={now.of} />;
  if (now.what === "label") return <Label of={now.of} />;
  return <Snooze of={now.of} />;
}
