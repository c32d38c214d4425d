/** Short news at the foot of the page, said aloud too, with a way back where there is one.
 *
 * What can be undone stays undoable by key (`undoLast`) after its toast has gone, so nobody has to be quick
 * (WCAG 2.2.1); pointing at a toast or focusing it stops its clock; bad news stays until it is closed.
 */

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { t } from "../../texts";
import { Icon } from "./icon";

const SHOWN_MS = 12_000;
const MERE_NEWS_MS = 6000; // nothing to act on

export interface Toast {
  text: string;
  /** Takes it back; the button beside the text. */
  undo?: () => unknown;
  /** Another way on than taking it back. */
  action?: { text: string; run: () => unknown };
  bad?: boolean;
  /** How long it is shown, for what has a clock of its own (undo send). */
  shownMs?: number;
}

const shown = signal<(Toast & { id: number })[]>([]);
let last: (() => unknown) | undefined;
let count = 0;

/** Says it; the older ones make room. Gives a way to end it early. */
export function toast(news: Toast): () => void {
  const id = ++count;
  last = news.undo;
  shown.value = [...shown.value.filter((each) => each.bad).slice(-1), { ...news, id }];
  return () => end(id);
}

/** Takes back what was done last; false where there is nothing. */
export function undoLast(): boolean {
  const undo = last;
  last = undefined;
  if (!undo) return false;
  shown.value = shown.value.filter((each) => each.undo !== undo);
  undo();
  return true;
}

function end(id: number): void {
  shown.value = shown.value.filter((each) => each.id !== id);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite" aria-atomic="false">
      {shown.value.map((each) => (
        <Shown key={each.id} news={each} />
      ))}
    </div>
  );
}

function Shown({ news }: { news: Toast & { id: number } }) {
  const [held, hold] = useState(false);
  useEffect(() => {
    if (news.bad || held) return;
    const clock = setTimeout(() => end(news.id), news.shownMs ?? (news.undo || news.action ? SHOWN_MS : MERE_NEWS_MS));
    return () => clearTimeout(clock);
  }, [held, news]);
  return (
    <div
      class={news.bad ? "toast bad" : "toast"}
      onPointerEnter={() => hold(true)}
      onPointerLeave={() => hold(false)}
      onFocusIn={() => hold(true)}
      onFocusOut={() => hold(false)}
    >
      {news.bad && <Icon name="warning" />}
      <span class="toast-text">{news.text}</span>
      {news.undo && (
        <button type="button" onClick={() => undoThis(news)}>
          {t("undo")}
        </button>
      )}
      {news.action && (
        <button type="button" onClick={() => (end(news.id), news.action?.run())}>
          {news.action.text}
        </button>
      )}
      <button type="button" class="bare" aria-label={t("close")} onClick={() => end(news.id)}>
        <Icon name="close" />
      </button>
    </div>
  );
}

function undoThis(news: Toast & { id: number }): void {
  if (last === news.undo) last = undefined;
  end(news.id);
  news.undo?.();
}
