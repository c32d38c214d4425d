/** On a telephone: the main places under the thumb. */

import { t } from "../texts";
import { narrow } from "./layout";
import { Icon, type IconName } from "./pieces/icon";
import { href, route, type Route } from "./router";
import { searching } from "./search/field";

export function NarrowBar() {
  if (!narrow.value || route.value.view === "compose") return null;
  return (
    <nav class="foot" aria-label={t("foot.label")}>
      <Place icon="inbox" text={t("foot.mail")} to={{ view: "mail", mailbox: "inbox" }} />
      <button type="button" class="foot-place" onClick={() => (searching.value = true)}>
        <Icon name="search" />
        {t("foot.search")}
      </button>
      <a class="foot-place foot-compose" href={href({ view: "compose", kind: "new", fields: {} })}>
        <Icon name="write" />
        {t("compose")}
      </a>
      <Place icon="contacts" text={t("side.contacts")} to={{ view: "contacts" }} />
      <Place icon="settings" text={t("foot.settings")} to={{ view: "settings" }} />
    </nav>
  );
}

function Place({ icon, text, to }: { icon: IconName; text: string; to: Route }) {
  const here = href(route.value).startsWith(href(to));
  return (
    <a class="foot-place" href={href(to)} aria-current={here ? "page" : undefined}>
      <Icon name={icon} />
      {text}
    </a>
  );
}
