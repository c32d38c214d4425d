/** The reading pane while nothing is open: what is selected, or what is new. */

import { mail } from "../../data";
import { t } from "../../texts";
import { mailboxNow, selected } from "../list/current";
import { mailboxName } from "../names";
import { Icon } from "../pieces/icon";
import { setting } from "../setting";

export function Nobody() {
  const n = selected.value.size;
  const mailbox = mailboxNow.value;
  const unread = mailbox?.unreadThreads ?? 0;
  return (
    <div class="empty">
      <Icon name={n ? "check" : "unread"} />
      <p class="empty-title">{n ? t("bulk.count", { n }) : t("read.none")}</p>
      {!n && mailbox && unread > 0 && <p>{t("read.unreadHere", { n: unread, name: mailboxName(mailbox) })}</p>}
      {!n && setting("keys") !== "off" && <p>{t("read.keysHint")}</p>}
      {!n && mail.connection.now.value.state !== "online" && <p>{t("read.offlineHint")}</p>}
    </div>
  );
}
