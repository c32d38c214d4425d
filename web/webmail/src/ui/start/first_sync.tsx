/** The first minutes on a device: how far it is, and that one can begin already. */

import { mail } from "../../data";
import { t } from "../../texts";

export function FirstSync() {
  const { done, total } = mail.connection.sync.value;
  return (
    <div class="empty first" role="status">
      <h1>{t("first.title")}</h1>
      <p>{t("first.text")}</p>
      <progress {...(total ? { max: total, value: done } : {})} aria-label={t("first.title")} />
      {total > 0 && <p class="soft">{t("first.done", { done, total })}</p>}
    </div>
  );
}
