/** What belongs to the account: its pages elsewhere, and leaving this device. */

import { useState } from "preact/hooks";
import { mail } from "../data";
import { t } from "../texts";
import { Confirm } from "../ui/pieces/dialog";
import { Icon } from "../ui/pieces/icon";
import { tell } from "../ui/problem";

export function AccountPage() {
  const session = mail.session.signIn.value;
  const { accounts, status } = mail.session.links.value;
  const [asking, setAsking] = useState(false);
  const n = mail.outbox.waiting.value;
  const leave = async () => {
    const outcome = await mail.session.signOut();
    if (!outcome.ok) tell(outcome.problem);
  };
  if (session.state !== "in") return <></>;
  return (
    <>
      <div class="setting">
        <p class="setting-name">{session.account.name || session.account.address}</p>
        <p class="soft">{session.account.address}</p>
      </div>
      {accounts && (
        <div class="setting">
          <p class="setting-name">{t("account.page")}</p>
          <p class="hint">{t("settings.accountHint")}</p>
          <Outside url={accounts} text={t("settings.accountOpen")} />
        </div>
      )}
      {status && (
        <div class="setting">
          <p class="setting-name">{t("account.status")}</p>
          <Outside url={status} text={t("settings.statusOpen")} />
        </div>
      )}
      <div class="setting">
        <p class="setting-name">{t("leave.title")}</p>
        <p class="hint">{t("leave.text")}</p>
        {n > 0 && <p class="error">{t("leave.waiting", { n })}</p>}
        <button type="button" class="button" onClick={() => setAsking(true)}>
          <Icon name="signOut" />
          {t("account.signOut")}
        </button>
      </div>
      {asking && (
        <Confirm
          title={t("leave.title")}
          text={n > 0 ? t("leave.waiting", { n }) : t("leave.text")}
          yes={t(n > 0 ? "leave.anyway" : "account.signOut")}
          danger={n > 0}
          onYes={() => void leave()}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}

function Outside({ url, text }: { url: string; text: string }) {
  return (
    <a class="button" href={url} target="_blank" rel="noopener noreferrer">
      {text}
      <Icon name="external" />
    </a>
  );
}
