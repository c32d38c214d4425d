/** What goes along with a message: name, size, how far it is. */

import { type DraftAttachment, mail } from "../data";
import { t } from "../texts";
import { size } from "../texts/dates";
import { Icon } from "../ui/pieces/icon";
import { tell, whatFailed } from "../ui/problem";
import type { Writing } from "./writing";

export function AttachmentList({ writing }: { writing: Writing }) {
  const { format, html } = writing.draft.value;
  const isInText = (cid: string | null) => cid !== null && format === "rich" && html.includes(`cid:${encodeURI(cid)}`);
  const all = writing.attachments.value.filter((each) => !isInText(each.cid));
  if (!all.length) return null;
  const remove = async (id: string) => {
    const outcome = await mail.drafts.detach(writing.id, id);
    if (!outcome.ok) tell(outcome.problem);
  };
  return (
    <ul class="draft-attachments" aria-label={t("compose.attachments")}>
      {all.map((each) => (
        <li key={each.id} class={each.state === "failed" ? "draft-attachment bad" : "draft-attachment"}>
          <Icon name={each.state === "failed" ? "warning" : each.type.startsWith("image/") ? "image" : "file"} />
          <span class="draft-attachment-name">{each.name}</span>
          <span class="soft">{state(each)}</span>
          {each.state === "uploading" && <progress value={each.progress} max={1} aria-label={t("compose.uploading", { name: each.name })} />}
          <button type="button" class="tool" aria-label={t("compose.detach", { name: each.name })} onClick={() => void remove(each.id)}>
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}

function state(attachment: DraftAttachment): string {
  if (attachment.state === "failed") return attachment.problem ? whatFailed(attachment.problem) : t("compose.uploadFailed");
  if (attachment.state === "kept") return `${size(attachment.size)} · ${t("compose.uploadLater")}`;
  return size(attachment.size);
}
