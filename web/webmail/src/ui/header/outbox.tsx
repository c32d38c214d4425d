/** What isn't at the server yet, and messages on their way: a button with its number, and the list behind it. */

import { signal } from "@preact/signals";
import { mail, type OutboxEntry } from "../../data";
import { listed, t } from "../../texts";
import { since } from "../../texts/dates";
import { personName } from "../names";
import { Dialog } from "../pieces/dialog";
import { Icon } from "../pieces/icon";
import { tell, whatFailed, whatNow } from "../problem";
import { compose } from "../router";

export const outboxShown = signal(false);

export function OutboxButton() {
  const entries = mail.outbox.entries.value;
  const bad = entries.some((each) => each.state === "refused" || each.state === "paused");
  const n = mail.outbox.waiting.value;
  return (
    <>
      {(entries.length > 0 || n > 0) && (
        <button
          type="button"
          class={bad ? "tool head-outbox bad" : "tool head-outbox"}
          onClick={() => (outboxShown.value = true)}
          title={t("outbox.button", { n })}
        >
          <Icon name={bad ? "warning" : "outbox"} />
          {n > 0 && <span aria-hidden="true">{n}</span>}
          <span class="aside">{t(bad ? "outbox.buttonBad" : "outbox.button", { n })}</span>
        </button>
      )}
      {outboxShown.value && <Outbox />}
    </>
  );
}

function Outbox() {
  const entries = mail.outbox.entries.value;
  return (
    <Dialog wide title={t("outbox.title")} onClose={() => (outboxShown.value = false)}>
      <p class="soft">{t("outbox.text")}</p>
      {entries.length === 0 && <p>{t("outbox.empty")}</p>}
      <ul class="outbox">
        {entries.map((each) => (
          <Entry key={each.id} entry={each} />
        ))}
      </ul>
    </Dialog>
  );
}

function Entry({ entry }: { entry: OutboxEntry }) {
  const sends = entry.kind === "send";
  return (
    <li class={entry.problem ? "outbox-entry bad" : "outbox-entry"}>
      <Icon name={entry.problem ? "warning" : sends ? "sent" : entry.state === "sent" ? "check" : "outbox"} />
      <div class="outbox-text">
        <p class="outbox-what">{what(entry)}</p>
        <p class="soft">
          {state(entry)} · {t("outbox.made", { time: since(entry.made) })}
        </p>
        {entry.problem && (
          <p>
            {whatFailed(entry.problem)}. {whatNow(entry.problem)}
          </p>
        )}
        <div class="outbox-ways">
          {sends && (entry.state === "waiting" || entry.state === "held") && (
            <Way text={t("outbox.takeBack")} run={() => takeBack(entry)} />
          )}
          {sends && entry.state === "held" && (
            <Way text={t("outbox.now")} run={() => ask(mail.outbox.sendNow(entry.id))} />
          )}
          {(entry.state === "refused" || entry.state === "paused") && (
            <Way text={t("again")} run={() => ask(mail.outbox.retry(entry.id))} />
          )}
          {entry.state === "refused" && (
            <Way text={t("outbox.dismiss")} run={() => ask(mail.outbox.dismiss(entry.id))} />
          )}
        </div>
      </div>
    </li>
  );
}

function Way({ text, run }: { text: string; run: () => unknown }) {
  return (
    <button type="button" class="button" onClick={run}>
      {text}
    </button>
  );
}

function what(entry: OutboxEntry): string {
  if (entry.kind === "send")
    return t("outbox.message", {
      subject: entry.subject || t("subject.none"),
      people: listed(entry.to.map(personName)),
    });
  if (entry.kind === "change" && entry.action) return t(`outbox.change.${entry.action}`, { n: entry.count });
  return t(`outbox.kind.${entry.kind === "change" ? "mailbox" : entry.kind}`, {
    subject: entry.subject || t("subject.none"),
  });
}

function state(entry: OutboxEntry): string {
  if (entry.state === "held" && entry.at) return t("outbox.state.heldUntil", { time: since(entry.at) });
  return t(`outbox.state.${entry.state}`);
}

async function takeBack(entry: OutboxEntry): Promise<void> {
  const outcome = await mail.outbox.undo(entry.id);
  if (!outcome.ok) return tell(outcome.problem);
  outboxShown.value = false;
  compose("draft", outcome.value.id);
}

async function ask(asked: ReturnType<typeof mail.outbox.retry>): Promise<void> {
  const outcome = await asked;
  if (!outcome.ok) tell(outcome.problem);
}
