/** When to send: times that people mean, or any; in the zone of this device, which is said. */

import { useId, useState } from "preact/hooks";
import { mail } from "../data";
import { language, t } from "../texts";
import { shortDate } from "../texts/dates";
import { Dialog } from "../ui/pieces/dialog";
import { localInput, presets, zone } from "./later";

const SOONEST_MS = 5 * 60_000;

export function LaterDialog({ onChoose, onClose }: { onChoose: (at: number) => void; onClose: () => void }) {
  const now = Date.now();
  const { signIn } = mail.session;
  const most = signIn.value.state === "in" ? signIn.value.account.limits.delayedSend : 0;
  const [typed, setTyped] = useState(localInput(presets(now).at(-1)?.at ?? now + 86_400_000));
  const [wrong, setWrong] = useState("");
  const id = useId();
  const take = () => {
    const at = new Date(typed).getTime();
    if (Number.isNaN(at) || at < Date.now() + SOONEST_MS) setWrong(t("compose.later.past"));
    else if (most && at > Date.now() + most) setWrong(t("compose.later.far", { time: shortDate(Date.now() + most) }));
    else onChoose(at);
  };
  return (
    <Dialog
      title={t("compose.later")}
      onClose={onClose}
      onSubmit={take}
      foot={
        <button type="submit" class="button primary">
          {t("compose.later.take")}
        </button>
      }
    >
      <ul class="later-presets">
        {presets(now)
          .filter((each) => !most || each.at <= now + most)
          .map((each, at) => (
            <li key={each.name}>
              <button type="button" class="button" data-first={at === 0 || undefined} onClick={() => onChoose(each.at)}>
                <span>{t(`compose.later.${each.name}`)}</span>
                <span class="soft">{shortDate(each.at)}</span>
              </button>
            </li>
          ))}
      </ul>
      <div class="field">
        <label for={id}>{t("compose.later.own")}</label>
        <input id={id} class="input" type="datetime-local" value={typed} min={localInput(now)} aria-invalid={Boolean(wrong)} aria-describedby={`${id}-zone${wrong ? ` ${id}-wrong` : ""}`} onInput={(event) => setTyped(event.currentTarget.value)} />
        <p id={`${id}-zone`} class="hint">
          {t("compose.later.zone", { zone: zone(now, language.value) })}
        </p>
        {wrong && (
          <p id={`${id}-wrong`} class="error" role="alert">
            {wrong}
          </p>
        )}
      </div>
    </Dialog>
  );
}
