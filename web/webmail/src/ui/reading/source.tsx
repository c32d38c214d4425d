/** The message as it was received: to look at, and as a file. */

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { mail, type Message, type Problem } from "../../data";
import { t } from "../../texts";
import { Dialog } from "../pieces/dialog";
import { Icon } from "../pieces/icon";
import { whatFailed, whatNow } from "../problem";
import { Trouble } from "../trouble";
import { saveWhenHere } from "./save";

const SHOWN = 512 * 1024; // bytes; the rest is in the file

const shown = signal<Message | null>(null);

export function showSource(message: Message): void {
  shown.value = message;
}

export function saveSource(message: Message): Promise<void> {
  return saveWhenHere(mail.threads.source(message.id), fileName(message));
}

export function SourceDialog() {
  const message = shown.value;
  const [text, setText] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    setText(null);
    setProblem(null);
    if (!message) return;
    let left = false;
    void mail.threads.source(message.id).then(async (outcome) => {
      const bytes = outcome.ok ? await outcome.value.slice(0, SHOWN).arrayBuffer() : null;
      if (left) return;
      if (bytes)
        setText(new TextDecoder("utf-8").decode(bytes) + (outcome.ok && outcome.value.size > SHOWN ? "\n…" : ""));
      else if (!outcome.ok) setProblem(outcome.problem);
    });
    return () => {
      left = true;
    };
  }, [message]);
  if (!message) return null;
  return (
    <Dialog
      wide
      title={t("source.title")}
      onClose={() => (shown.value = null)}
      foot={
        <button type="button" class="button primary" data-first onClick={() => void saveSource(message)}>
          <Icon name="download" />
          {t("read.saveSource")}
        </button>
      }
    >
      <p class="soft">{t("source.text")}</p>
      {problem && <Trouble title={whatFailed(problem)} text={whatNow(problem)} />}
      <pre class="source" tabIndex={0} aria-busy={text === null && !problem}>
        {text ?? ""}
      </pre>
    </Dialog>
  );
}

/** A name that every file system takes. */
export function fileName(message: Message): string {
  const plain = (message.subject || t("subject.none"))
    .replace(/[\\/:*?"<>|\p{Cc}]+/gu, " ")
    .trim()
    .slice(0, 80);
  return `${plain}.eml`;
}
