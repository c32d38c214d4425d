/** Settings: pages beside each other, each change kept at once. */

import type { SettingsProps } from "../ui/slots";
import { t, type Key } from "../texts";
import { Icon, type IconName } from "../ui/pieces/icon";
import { href } from "../ui/router";
import { narrow } from "../ui/layout";
import { AccountPage } from "./account";
import { DevicePage } from "./device";
import { GeneralPage } from "./general";
import { IdentitiesPage } from "./identities";
import { KeysPage } from "./keys";
import { ReadingPage } from "./reading";
import { WritingPage } from "./writing";
import "./settings.css";

const PAGES: { name: string; text: Key; icon: IconName; page: () => preact.JSX.Element }[] = [
  { name: "general", text: "settings.general", icon: "settings", page: GeneralPage },
  { name: "reading", text: "settings.reading", icon: "read", page: ReadingPage },
  { name: "writing", text: "settings.writing", icon: "write", page: WritingPage },
  { name: "senders", text: "settings.senders", icon: "person", page: IdentitiesPage },
  { name: "keys", text: "settings.keys", icon: "keyboard", page: KeysPage },
  { name: "device", text: "settings.device", icon: "offline", page: DevicePage },
  { name: "account", text: "settings.account", icon: "lock", page: AccountPage },
];

export default function Settings({ route }: SettingsProps) {
  const shown = PAGES.find((each) => each.name === route.page) ?? (narrow.value ? null : PAGES[0]);
  const Page = shown?.page;
  return (
    <div class="settings">
      {(!narrow.value || !shown) && (
        <nav class="settings-nav" aria-label={t("settings.pages")}>
          {!shown && <h1>{t("settings.title")}</h1>}
          <ul>
            {PAGES.map(({ name, text, icon }) => (
              <li key={name}>
                <a class="settings-link" href={href({ view: "settings", page: name })} aria-current={name === shown?.name ? "page" : undefined}>
                  <Icon name={icon} />
                  {t(text)}
                </a>
              </li>
            ))}
          </ul>
        </nav>
      )}
      {shown && Page && (
        <section class="settings-page" tabIndex={-1}>
          <div class="settings-head">
            {narrow.value && (
              <a class="tool" href={href({ view: "settings" })} aria-label={t("settings.back")}>
                <Icon name="back" />
              </a>
            )}
            <h1>{t(shown.text)}</h1>
          </div>
          <Page />
        </section>
      )}
    </div>
  );
}
