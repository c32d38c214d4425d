/** The list's pane: what is shown, how it is ordered, what can be done to what is selected, and the rows. */

import type { ListView, MailList } from "../../data";
import { mail } from "../../data";
import { t } from "../../texts";
import { narrow } from "../layout";
import { mailboxName } from "../names";
import { Icon, type IconName } from "../pieces/icon";
import { Menu, type MenuEntry } from "../pieces/menu";
import { whatFailed, whatNow } from "../problem";
import { compose, go, route } from "../router";
import { setting } from "../setting";
import { mailboxMenu } from "../side/mailbox_menu";
import { Trouble } from "../trouble";
import { SearchHead } from "../search/head";
import { BulkBar } from "./bulk";
import { isSpecial, list, mailboxNow, order, selected, unreadOnly } from "./current";
import { Rows } from "./rows";

/** What the list that is shown is called. */
export function listName(): string {
  const now = route.value;
  if (now.view === "search") return t("search.title", { query: now.query });
  if (now.view === "mail" && isSpecial(now.mailbox)) return t(`special.${now.mailbox}`);
  const mailbox = mailboxNow.value;
  if (mailbox) return mailboxName(mailbox);
  return now.view === "mail" && mail.mailboxes.all.value ? t("mailbox.gone") : t("side.label");
}

export function ListPane() {
  const now = list.value;
  return (
    <section class="list-pane" aria-label={t("list.region")} id="list" tabIndex={-1}>
      {selected.value.size > 0 ? <BulkBar /> : <Head />}
      {route.value.view === "search" && <SearchHead query={route.value.query} />}
      {now ? <Content list={now} /> : <Unknown />}
    </section>
  );
}

function Head() {
  const mailbox = mailboxNow.value;
  const count = mailbox && (setting("conversations") ? mailbox.totalThreads : mailbox.total);
  const view = list.value?.view.value;
  const total = view?.length ?? count;
  return (
    <div class="list-head">
      <h2 class="list-title">{route.value.view === "search" ? t("search.results") : listName()}</h2>
      <span class="list-count">
        {total !== null &&
          total !== undefined &&
          (setting("conversations") ? t("list.conversations", { n: total }) : t("list.messages", { n: total }))}
      </span>
      <button
        type="button"
        class="tool"
        aria-label={t("list.refresh")}
        title={t("list.refresh")}
        onClick={() => list.peek()?.refresh()}
      >
        <Icon name="refresh" />
      </button>
      <Menu label={t("list.options")} icon="settings" items={options} />
      {mailbox && !narrow.value && (
        <Menu label={t("mailbox.menu", { name: mailboxName(mailbox) })} items={() => mailboxMenu(mailbox)} />
      )}
    </div>
  );
}

function options(): MenuEntry[] {
  const set = (patch: Parameters<typeof mail.settings.set>[0]) => void mail.settings.set(patch);
  const conversations = setting("conversations");
  const density = setting("density");
  const reading = setting("reading");
  return [
    { text: t("list.unreadOnly"), checked: unreadOnly.value, run: () => (unreadOnly.value = !unreadOnly.peek()) },
    { text: t("list.newest"), checked: order.value === "newest", run: () => (order.value = "newest") },
    { text: t("list.oldest"), checked: order.value === "oldest", run: () => (order.value = "oldest") },
    "-",
    { text: t("list.grouped"), checked: conversations, run: () => set({ conversations: !conversations }) },
    {
      text: t("list.compact"),
      checked: density === "compact",
      run: () => set({ density: density === "compact" ? "comfortable" : "compact" }),
    },
    "-",
    { text: t("list.readRight"), checked: reading === "right", run: () => set({ reading: "right" }) },
    { text: t("list.readBelow"), checked: reading === "below", run: () => set({ reading: "below" }) },
    { text: t("list.readOwn"), checked: reading === "own", run: () => set({ reading: "own" }) },
  ];
}

function Content({ list: now }: { list: MailList }) {
  const view = now.view.value;
  if (view.length === 0 && view.problem)
    return <Trouble title={whatFailed(view.problem)} text={whatNow(view.problem)} onAgain={() => now.refresh()} />;
  if (view.length === 0) return <Empty view={view} />;
  return (
    <>
      <Whose view={view} />
      <Rows list={now} label={listName()} />
    </>
  );
}

/** Says whose knowledge the list is, where it isn't all of it. */
function Whose({ view }: { view: ListView }) {
  if (view.problem && view.from === "server")
    return (
      <p class="whose" role="status">
        <Icon name="warning" />
        {whatFailed(view.problem)}. {t("list.stale")}
      </p>
    );
  if (view.from !== "device" || view.complete) return null;
  const days = setting("offlineDays");
  if (route.value.view !== "search" && mail.connection.now.value.state === "online") return null;
  return (
    <p class="whose" role="status">
      <Icon name="info" />
      {route.value.view === "search" ? t("list.deviceSearch", { n: days }) : t("list.deviceList", { n: days })}
    </p>
  );
}

function Unknown() {
  const known = mail.mailboxes.all.value !== null;
  const now = route.value;
  if (!known || now.view !== "mail") return <div class="part-waiting" aria-busy="true" />;
  return (
    <div class="empty">
      <Icon name="folder" />
      <h2>{t("mailbox.gone")}</h2>
      <p>{t("mailbox.goneText")}</p>
      <button type="button" class="button" onClick={() => go({ view: "mail", mailbox: "inbox" })}>
        {t("mailbox.goInbox")}
      </button>
    </div>
  );
}

const EMPTY_ICONS: Record<string, IconName> = {
  inbox: "inbox",
  starred: "star",
  search: "search",
  trash: "trash",
  junk: "junk",
  sent: "sent",
  drafts: "drafts",
  snoozed: "clock",
  archive: "archive",
};
const SAID = ["inbox", "starred", "trash", "junk", "sent", "drafts", "snoozed", "archive"] as const;

function Empty({ view }: { view: ListView }) {
  const now = route.value;
  const what = now.view === "search" ? "search" : (mailboxNow.value?.role ?? (now.view === "mail" ? now.mailbox : ""));
  const incomplete = view.from === "device" && !view.complete;
  if (unreadOnly.value)
    return (
      <Nothing icon="read" title={t("empty.unread")} text={t("empty.unreadText")}>
        <button type="button" class="button" onClick={() => (unreadOnly.value = false)}>
          {t("empty.showAll")}
        </button>
      </Nothing>
    );
  if (what === "search")
    return (
      <Nothing
        icon="search"
        title={t("empty.search")}
        text={t(incomplete ? "empty.searchDevice" : "empty.searchText", { n: setting("offlineDays") })}
      />
    );
  if (incomplete) return <Nothing icon="offline" title={t("empty.device")} text={t("empty.deviceText")} />;
  const said = SAID.find((each) => each === what);
  return (
    <Nothing
      icon={EMPTY_ICONS[what] ?? "folder"}
      title={t(said ? `empty.${said}` : "empty.mailbox")}
      text={t(said ? `empty.${said}Text` : "empty.mailboxText")}
    >
      {(what === "sent" || what === "drafts") && (
        <button type="button" class="button" onClick={() => compose("new")}>
          {t("compose")}
        </button>
      )}
    </Nothing>
  );
}

function Nothing(props: { icon: IconName; title: string; text: string; children?: preact.ComponentChildren }) {
  return (
    <div class="empty" role="status">
      <Icon name={props.icon} />
      <h2>{props.title}</h2>
      <p>{props.text}</p>
      {props.children}
    </div>
  );
}
