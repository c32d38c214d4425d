/** How mail is written and sent. */

import { t } from "../texts";
import { setting } from "../ui/setting";
import { Choice, keep, Select, Switch } from "./controls";

const UNDO_SECONDS = [0, 5, 10, 20, 30];

export function WritingPage() {
  return (
    <>
      <Select
        title={t("settings.undo")}
        hint={t("settings.undoHint")}
        value={setting("undoSeconds")}
        options={UNDO_SECONDS.map((n) => ({ value: n, text: n ? t("settings.seconds", { n }) : t("settings.undoOff") }))}
        onChoose={(undoSeconds) => keep({ undoSeconds })}
      />
      <Choice
        title={t("settings.format")}
        value={setting("format")}
        options={[{ value: "rich" as const, text: t("settings.formatRich") }, { value: "plain", text: t("settings.formatPlain") }]}
        onChoose={(format) => keep({ format })}
      />
      <Choice
        title={t("settings.answer")}
        value={setting("quote")}
        options={[{ value: "above" as const, text: t("settings.answerAbove") }, { value: "below", text: t("settings.answerBelow") }]}
        onChoose={(quote) => keep({ quote })}
      />
      <Switch title={t("settings.reminder")} hint={t("settings.reminderHint")} on={setting("attachmentReminder")} onSwitch={(attachmentReminder) => void keep({ attachmentReminder })} />
    </>
  );
}
