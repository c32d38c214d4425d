/** Language, look, layout, what is told. */

import { mail } from "../data";
import { LANGUAGES, t } from "../texts";
import { tell } from "../ui/problem";
import { setting } from "../ui/setting";
import { Choice, keep, Select, Switch } from "./controls";

export function GeneralPage() {
  return (
    <>
      <Select
        title={t("settings.language")}
        value={setting("language")}
        options={[{ value: "auto" as const, text: t("settings.languageAuto") }, { value: "de", text: LANGUAGES.de }, { value: "en", text: LANGUAGES.en }]}
        onChoose={(language) => keep({ language })}
      />
      <Choice
        title={t("settings.theme")}
        value={setting("theme")}
        options={[{ value: "auto" as const, text: t("theme.auto") }, { value: "light", text: t("theme.light") }, { value: "dark", text: t("theme.dark") }]}
        onChoose={(theme) => keep({ theme })}
      />
      <Choice
        title={t("settings.density")}
        value={setting("density")}
        options={[{ value: "comfortable" as const, text: t("settings.comfortable") }, { value: "compact", text: t("settings.compact") }]}
        onChoose={(density) => keep({ density })}
      />
      <Notifications />
    </>
  );
}

function Notifications() {
  const state = mail.device.notifications.value;
  if (state === "unsupported") return null;
  if (state === "denied") {
    return (
      <div class="setting">
        <p class="setting-name">{t("settings.notify")}</p>
        <p class="hint">{t("settings.notifyDenied")}</p>
      </div>
    );
  }
  const change = async (on: boolean) => {
    const outcome = await mail.device.notify(on);
    if (!outcome.ok) return tell(outcome.problem);
    await keep({ notify: on });
  };
  return (
    <>
      <Switch title={t("settings.notify")} hint={t("settings.notifyHint")} on={state === "on"} onSwitch={(on) => void change(on)} />
      {state === "on" && (
        <p class="hint" role="status">
          {t(`settings.push.${mail.device.push.value}`)}
        </p>
      )}
    </>
  );
}
