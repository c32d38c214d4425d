/** The question before mail is deleted for good. */

import { signal } from "@preact/signals";
import { t } from "../../texts";
import { act, type Target } from "../acts";
import { Confirm } from "../pieces/dialog";

const about = signal<Target | null>(null);

/** Asks; always true, as the answer comes later. */
export function destroyAsked(of: Target): boolean {
  about.value = of;
  return true;
}

export function DestroyQuestion() {
  const of = about.value;
  if (!of) return null;
  return (
    <Confirm
      danger
      title={t("destroy.title", { n: Math.max(1, of.keys.length) })}
      text={t("destroy.text")}
      yes={t("destroy.yes")}
      onYes={() => act("destroy", { of })}
      onClose={() => {
        about.value = null;
      }}
    />
  );
}
