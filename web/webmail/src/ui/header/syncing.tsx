/** A sign that something is being fetched, and that a newer webmail is there. */

import { mail } from "../../data";
import { t } from "../../texts";
import { Icon } from "../pieces/icon";

export function Syncing() {
  const { phase, done, total } = mail.connection.sync.value;
  if (mail.device.newer.value) {
    return (
      <button type="button" class="button quiet" onClick={() => mail.device.update()}>
        {t("newer")}
      </button>
    );
  }
  if (mail.connection.now.value.state === "offline") {
    return (
      <span class="head-state" title={t("banner.offlineShort")}>
        <Icon name="offline" />
        <span class="aside">{t("banner.offlineShort")}</span>
      </span>
    );
  }
  if (phase === "idle" || phase === "changes") return null;
  const text = t(phase === "first" ? "sync.first" : "sync.bodies", { done, total });
  return (
    <span class="head-state spinning" title={text}>
      <Icon name="refresh" />
      <span class="aside">{text}</span>
    </span>
  );
}
