/** What a message brings along: previews of images, names and sizes of everything, to be saved one by one or all. */

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { mail, type Attachment, type Message } from "../../data";
import { t } from "../../texts";
import { size } from "../../texts/dates";
import { Dialog } from "../pieces/dialog";
import { Icon, type IconName } from "../pieces/icon";
import { shownAsImage } from "./inline";
import { saveAttachment } from "./save";

const PREVIEWED = 6_000_000; // bytes; larger images are shown only when asked for

const looked = signal<{ email: string; attachment: Attachment } | null>(null);

export function Attachments({ message }: { message: Message }) {
  const shown = message.attachments.filter(
    (each) =>
      !(each.inline && each.cid && message.body.state === "here" && message.body.html?.includes(`cid:${each.cid}`)),
  );
  if (shown.length === 0) return null;
  const total = shown.reduce((sum, each) => sum + each.size, 0);
  return (
    <section class="attachments" aria-label={t("attachment.region")}>
      <div class="attachments-head">
        <h3>{t("attachment.count", { n: shown.length })}</h3>
        <span class="soft">{size(total)}</span>
        {shown.length > 1 && (
          <button type="button" class="button quiet" onClick={() => void saveAll(message, shown)}>
            <Icon name="download" />
            {t("attachment.saveAll")}
          </button>
        )}
      </div>
      <ul>
        {shown.map((each) => (
          <One key={each.part} email={message.id} attachment={each} />
        ))}
      </ul>
    </section>
  );
}

function One({ email, attachment }: { email: string; attachment: Attachment }) {
  const image = shownAsImage(attachment.type);
  const name = attachment.name || t("attachment.unnamed");
  return (
    <li class={image ? "attachment with-picture" : "attachment"}>
      {image && (
        <button
          type="button"
          class="attachment-picture"
          aria-label={t("attachment.show", { name })}
          onClick={() => (looked.value = { email, attachment })}
        >
          <Picture email={email} attachment={attachment} small />
        </button>
      )}
      <div class="attachment-line">
        {!image && (
          <span class={`attachment-kind ${kind(attachment)}`} aria-hidden="true">
            {extension(attachment.name) || <Icon name={"file" satisfies IconName} />}
          </span>
        )}
        <span class="attachment-name" title={name}>
          <span>{name}</span>
          <small>
            {size(attachment.size)}
            {attachment.here ? "" : ` · ${t("attachment.away")}`}
          </small>
        </span>
        <button
          type="button"
          class="tool"
          aria-label={t("attachment.save", { name })}
          title={t("attachment.saveShort")}
          onClick={() => void saveAttachment(email, attachment)}
        >
          <Icon name="download" />
        </button>
      </div>
    </li>
  );
}

function Picture({ email, attachment, small = false }: { email: string; attachment: Attachment; small?: boolean }) {
  const [url, setUrl] = useState("");
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let made = "";
    let left = false;
    if (small && attachment.size > PREVIEWED) return;
    void mail.threads.attachment(email, attachment.part, attachment.type).then((outcome) => {
      if (left) return;
      if (!outcome.ok) return setFailed(true);
      made = URL.createObjectURL(outcome.value);
      setUrl(made);
    });
    return () => {
      left = true;
      URL.revokeObjectURL(made);
    };
  }, [email, attachment.part]);
  if (url && !failed)
    return <img src={url} alt={small ? "" : attachment.name} loading="lazy" onError={() => setFailed(true)} />;
  return (
    <span class="picture-none">
      <Icon name="image" />
      {failed && !small && t("attachment.noPicture")}
    </span>
  );
}

/** The picture that is looked at, large. */
export function PictureDialog() {
  const now = looked.value;
  if (!now) return null;
  return (
    <Dialog
      wide
      title={now.attachment.name || t("attachment.unnamed")}
      onClose={() => (looked.value = null)}
      foot={
        <button
          type="button"
          class="button primary"
          data-first
          onClick={() => void saveAttachment(now.email, now.attachment)}
        >
          <Icon name="download" />
          {t("attachment.saveShort")}
        </button>
      }
    >
      <div class="picture-large">
        <Picture email={now.email} attachment={now.attachment} />
      </div>
    </Dialog>
  );
}

async function saveAll(message: Message, attachments: Attachment[]): Promise<void> {
  for (const each of attachments) await saveAttachment(message.id, each);
}

function extension(name: string): string {
  const end = name.split(".").at(-1) ?? "";
  return name.includes(".") && end.length <= 4 ? end.toUpperCase() : "";
}

function kind({ type, name }: Attachment): string {
  const end = extension(name);
  if (end === "PDF") return "red";
  if (/^(XLSX?|ODS|CSV)$/.test(end)) return "green";
  if (/^(DOCX?|ODT|RTF|TXT|MD)$/.test(end)) return "blue";
  if (/^(PPTX?|ODP|KEY)$/.test(end)) return "orange";
  return /^(audio|video)\//.test(type) ? "violet" : "grey";
}
