/** A button that shows an icon and is called by its text. */

import { Icon, type IconName } from "./icon";

export function Tool({ icon, text, run, on }: { icon: IconName; text: string; run: () => unknown; on?: boolean }) {
  return (
    <button
      type="button"
      class={on ? "tool on" : "tool"}
      aria-label={text}
      title={text}
      aria-pressed={on}
      onClick={run}
    >
      <Icon name={icon} filled={on === true} />
    </button>
  );
}
