/** Over everything: where one is, searching, what isn't sent yet, and the account. */

import { mail } from "../../data";
import { t } from "../../texts";
import { closeThread, href, route, type Route } from "../router";
import { drawer, narrow } from "../layout";
import { helpShown } from "../keys/help";
import { listName } from "../list/pane";
import { Icon } from "../pieces/icon";
import { SearchField, searching } from "../search/field";
import { AccountMenu } from "./account";
import { OutboxButton } from "./outbox";
import { Syncing } from "./syncing";

export function Header() {
  return narrow.value ? <NarrowHeader /> : <WideHeader />;
}

function WideHeader() {
  return (
    <header class="head">
      <a class="head-brand" href={href({ view: "mail", mailbox: "inbox" })}>
        <Mark />
        <span>{mail.session.links.value.product}</span>
      </a>
      <SearchField />
      <div class="head-tools">
        <Syncing />
        <OutboxButton />
        <button
          type="button"
          class="tool"
          aria-label={t("help")}
          title={t("help")}
          onClick={() => (helpShown.value = true)}
        >
          <Icon name="keyboard" />
        </button>
        <AccountMenu />
      </div>
    </header>
  );
}

/** On a telephone: the mailboxes' button or the way back, the title, and the search, which takes all of it. */
function NarrowHeader() {
  const now = route.value;
  if (searching.value) {
    return (
      <header class="head">
        <SearchField />
      </header>
    );
  }
  const reads = (now.view === "mail" || now.view === "search") && now.thread !== undefined;
  return (
    <header class="head">
      {reads ? (
        <button type="button" class="tool" aria-label={t("back")} onClick={closeThread}>
          <Icon name="back" />
        </button>
      ) : (
        <button
          type="button"
          class="tool"
          aria-label={t("side.label")}
          aria-expanded={drawer.value}
          aria-controls="mailboxes"
          onClick={() => (drawer.value = !drawer.value)}
        >
          <Icon name="menu" />
        </button>
      )}
      <span class="head-title">{title(now)}</span>
      <Syncing />
      <OutboxButton />
      <button type="button" class="tool" aria-label={t("search.label")} onClick={() => (searching.value = true)}>
        <Icon name="search" />
      </button>
      <AccountMenu />
    </header>
  );
}

function title(now: Route): string {
  if (now.view === "contacts" || now.view === "settings") return t(`side.${now.view}`);
  return now.view === "compose" ? t("compose") : listName();
}

/** The product's mark. */
function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" />
      <path d="M7.5 11.5l8.5 6.5 8.5-6.5M7.5 10h17v12.5h-17z" />
    </svg>
  );
}
