/** Problems in words: what failed, what is safe, what to do. */

import { effect, untracked } from "@preact/signals";
import { mail, type Problem } from "../data";
import { t, type Key } from "../texts";
import { clock, size } from "../texts/dates";
import { toast } from "./pieces/toast";

/** What failed, as a heading. */
export function whatFailed(problem: Problem): string {
  return t(`problem.what.${problem.what}`, {
    addresses: (problem.addresses ?? []).join(", "),
    limit: problem.limit === undefined ? "" : size(problem.limit),
  });
}

/** What is safe and what to do, in one or two sentences. */
export function whatNow(problem: Problem): string {
  const safe = t(`problem.safe.${problem.safe}`);
  const again = problem.retryAt ? t("problem.retryAt", { time: clock(problem.retryAt) }) : "";
  const remedy = again || (problem.remedy === "none" ? "" : t(`problem.remedy.${problem.remedy}`));
  return [safe, remedy].filter(Boolean).join(" ");
}

/** All of it in one line, for news at the foot of the page; `doing` says what was asked for. */
export function tell(problem: Problem, doing?: Key): void {
  const opening = doing ? `${t(doing)} ` : "";
  toast({ text: `${opening}${whatFailed(problem)}. ${whatNow(problem)}`, bad: true });
}

/** Tells what went wrong without anybody having asked just now, for as long as the shell is drawn. */
export function tellProblems(): () => void {
  return effect(() => {
    const told = mail.problems.value;
    untracked(() => {
      for (const { id, problem } of told) {
        tell(problem);
        mail.seen(id);
      }
    });
  });
}
