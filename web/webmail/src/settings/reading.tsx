/** How mail is listed and read, and whose images are fetched. */

import { t } from "../texts";
import { Icon } from "../ui/pieces/icon";
import { setting } from "../ui/setting";
import { Choice, keep, Switch } from "./controls";

export function ReadingPage() {
  return (
    <>
      <Choice
        title={t("settings.pane")}
        hint={t("settings.paneHint")}
        value={setting("reading")}
        options={[{ value: "right" as const, text: t("settings.paneRight") }, { value: "below", text: t("settings.paneBelow") }, { value: "own", text: t("settings.paneOwn") }]}
        onChoose={(reading) => keep({ reading })}
      />
      <Switch title={t("settings.conversations")} hint={t("settings.conversationsHint")} on={setting("conversations")} onSwitch={(conversations) => void keep({ conversations })} />
      <Choice
        title={t("settings.markRead")}
        value={setting("markRead")}
        options={[{ value: "now" as const, text: t("settings.markNow") }, { value: "after", text: t("settings.markAfter") }, { value: "never", text: t("settings.markNever") }]}
        onChoose={(markRead) => keep({ markRead })}
      />
      <Choice
        title={t("settings.afterMove")}
        value={setting("afterMove")}
        options={[{ value: "next" as const, text: t("settings.afterNext") }, { value: "previous", text: t("settings.afterPrevious") }, { value: "list", text: t("settings.afterList") }]}
        onChoose={(afterMove) => keep({ afterMove })}
      />
      <Choice
        title={t("settings.images")}
        hint={t("settings.imagesHint")}
        value={setting("images")}
        options={[{ value: "ask" as const, text: t("settings.imagesAsk") }, { value: "contacts", text: t("settings.imagesContacts") }, { value: "always", text: t("settings.imagesAlways") }]}
        onChoose={(images) => keep({ images })}
      />
      <ImageSenders />
    </>
  );
}

function ImageSenders() {
  const all = setting("imagesFrom");
  if (!all.length) return null;
  return (
    <div class="setting">
      <p class="setting-name">{t("settings.imagesFrom")}</p>
      <ul class="setting-list">
        {all.map((each) => (
          <li key={each}>
            <span>{each}</span>
            <button type="button" class="tool" aria-label={t("settings.imagesForget", { address: each })} onClick={() => void keep({ imagesFrom: all.filter((other) => other !== each) })}>
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
