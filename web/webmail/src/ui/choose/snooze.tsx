/** "Snooze": until when a conversation is out of sight. */

import { useState } from "preact/hooks";
import { t, type Key } from "../../texts";
import { momentHint } from "../../texts/dates";
import { act, type Target } from "../acts";
import { Dialog } from "../pieces/dialog";
import { answered } from "./asked";

const MORNING = 8;

/** Times one is likely to want: none is past, none is named twice. */
export function proposals(now: Date): { text: Key; at: Date }[] {
  const at = (days: number, hour: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour);
  const weekday = now.getDay();
  const all: { text: Key; at: Date }[] = [];
  if (now.getHours() < 16) all.push({ text: "snooze.today", at: at(0, Math.max(now.getHours() + 3, 12)) });
  if (now.getHours() < 18) all.push({ text: "snooze.evening", at: at(0, 19) });
  all.push({ text: "snooze.tomorrow", at: at(1, MORNING) });
  if (weekday > 0 && weekday < 5) all.push({ text: "snooze.weekend", at: at(6 - weekday, 9) });
  if (weekday !== 0) all.push({ text: "snooze.week", at: at(8 - weekday, MORNING) });
  all.push({ text: "snooze.month", at: new Date(now.getFullYear(), now.getMonth() + 1, 1, MORNING) });
  all.sort((a, b) => a.at.getTime() - b.at.getTime());
  return all.filter((each, place) => each.at.getTime() !== all[place - 1]?.at.getTime());
}

export function Snooze({ of }: { of: Target | null }) {
  const [own, setOwn] = useState("");
  const [wrong, setWrong] = useState(false);
  const until = (at: Date) => {
    answered();
    act("snooze", { ...(of ? { of } : {}), until: at.getTime() });
  };
  const takeOwn = () => {
    const at = new Date(own);
    if (at.getTime() > Date.now()) until(at);
    else setWrong(true);
  };
  return (
    <Dialog
      title={t("snooze.title")}
      onClose={answered}
      onSubmit={takeOwn}
      foot={
        <button type="submit" class="button primary">
          {t("snooze.take")}
        </button>
      }
    >
      <p class="soft">{t("snooze.text")}</p>
      <ul class="snooze-list">
        {proposals(new Date()).map((each, place) => (
          <li key={each.text}>
            <button
              type="button"
              class="menu-item"
              data-first={place === 0 || undefined}
              onClick={() => until(each.at)}
            >
              <span class="menu-text">{t(each.text)}</span>
              <span class="soft">{momentHint(each.at)}</span>
            </button>
          </li>
        ))}
      </ul>
      <div class="field">
        <label for="snooze-own">{t("snooze.own")}</label>
        <input
          id="snooze-own"
          class="input"
          type="datetime-local"
          value={own}
          aria-invalid={wrong}
          aria-describedby={wrong ? "snooze-wrong" : undefined}
          onInput={(event) => (setOwn(event.currentTarget.value), setWrong(false))}
        />
        {wrong && (
          <span id="snooze-wrong" class="error">
            {t("snooze.past")}
          </span>
        )}
      </div>
    </Dialog>
  );
}
