/** What this device keeps, so that mail can be read and written without the service. */

import { useState } from "preact/hooks";
import { mail } from "../data";
import { t } from "../texts";
import { shortDate, size } from "../texts/dates";
import { Confirm } from "../ui/pieces/dialog";
import { toast } from "../ui/pieces/toast";
import { tell } from "../ui/problem";
import { setting } from "../ui/setting";
import { keep, Select } from "./controls";

const DAYS = [0, 7, 14, 30, 90, 365];

export function DevicePage() {
  const state = mail.device.state.value;
  const room = mail.device.mailbox.value;
  const days = setting("offlineDays");
  const upToDate = mail.connection.sync.value.upToDate;
  const [asking, setAsking] = useState(false);
  const clear = async () => {
    const outcome = await mail.device.clear();
    if (!outcome.ok) return tell(outcome.problem);
    toast({ text: t("settings.cleared") });
  };
  return (
    <>
      <Select
        title={t("settings.days")}
        hint={t("settings.daysHint")}
        value={days}
        options={[...new Set([...DAYS, days])].sort((a, b) => a - b).map((n) => ({ value: n, text: n ? t("settings.daysN", { n }) : t("settings.daysNone") }))}
        onChoose={(offlineDays) => keep({ offlineDays })}
      />
      <div class="setting">
        <p class="setting-name">{t("settings.kept")}</p>
        {state.full && (
          <p class="error" role="status">
            {t("settings.full")}
          </p>
        )}
        <dl class="device-facts">
          <Fact name={t("settings.used")}>{state.quota ? t("settings.usedOf", { used: size(state.used), all: size(state.quota) }) : size(state.used)}</Fact>
          <Fact name={t("settings.messages")}>{t("settings.messagesOf", { n: state.emails, bodies: state.bodies })}</Fact>
          {state.bodiesSince !== null && <Fact name={t("settings.since")}>{shortDate(state.bodiesSince)}</Fact>}
          {upToDate !== null && <Fact name={t("settings.upToDate")}>{shortDate(upToDate)}</Fact>}
          {room && <Fact name={t("settings.mailbox")}>{t("settings.usedOf", { used: size(room.used), all: size(room.limit) })}</Fact>}
        </dl>
        {!state.persisted && <p class="hint">{t("settings.notPersisted")}</p>}
        <button type="button" class="button" onClick={() => setAsking(true)}>
          {t("settings.clear")}
        </button>
      </div>
      {asking && <Confirm title={t("settings.clearTitle")} text={t("settings.clearText")} yes={t("settings.clear")} onYes={() => void clear()} onClose={() => setAsking(false)} />}
    </>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
