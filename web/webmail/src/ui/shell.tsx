/** The page of somebody who is signed in: mailboxes, list and conversation beside each other as there is room, or
 * another part of the webmail in their place. */

import { useEffect } from "preact/hooks";
import { mail } from "../data";
import { asked } from "../compose/asked";
import { t, type Key } from "../texts";
import { act, openKey, starTarget, undo, walk } from "./acts";
import { ask, askMailbox } from "./choose/asked";
import { Questions } from "./choose/choose";
import { Banner } from "./header/banner";
import { Header } from "./header/header";
import { useCommands, useKeys } from "./keys/dispatch";
import { helpShown, KeysHelp } from "./keys/help";
import { beside, drawer, narrow } from "./layout";
import {
  clearSelection,
  cursor,
  followAddress,
  list,
  mailboxNow,
  rowOf,
  selected,
  selectWhere,
  toggle,
} from "./list/current";
import { DestroyQuestion } from "./list/destroy";
import { takeFocus } from "./list/focus";
import { ListPane, listName } from "./list/pane";
import { openByKey } from "./list/hands";
import { snoozing } from "./list/row_menu";
import { NarrowBar } from "./narrow_bar";
import { Toasts, undoLast } from "./pieces/toast";
import { tellProblems } from "./problem";
import { Nobody } from "./reading/nobody";
import { closeThread, compose, go, route } from "./router";
import { Compose, Contacts, Conversation, Dock, fetchAhead, Settings } from "./slots";
import { searching } from "./search/field";
import { FirstSync } from "./start/first_sync";
import { MailboxDialogs } from "./side/mailbox_dialogs";
import { Side } from "./side/side";

export function Shell() {
  useKeys();
  useCommands(pageCommands, true);
  useEffect(followAddress, []);
  useEffect(tellProblems, []);
  useEffect(fetchAhead, []);
  useTitle();
  const now = route.value;
  const covered = drawer.value && narrow.value;
  const first = mail.connection.sync.value;
  const waiting = first.phase === "first" && mail.mailboxes.all.value === null;
  return (
    <div class="shell" data-view={now.view} data-reading={beside.value}>
      <Skips waiting={waiting} />
      <Header />
      <Banner />
      <Side />
      {covered && (
        <button type="button" class="side-shade" aria-label={t("side.close")} onClick={() => (drawer.value = false)} />
      )}
      <main class="main" id="main" tabIndex={-1} inert={covered}>
        {waiting ? <FirstSync /> : <View />}
      </main>
      <NarrowBar />
      {asked.value.length > 0 && <Dock />}
      <KeysHelp />
      <Questions />
      <MailboxDialogs />
      <DestroyQuestion />
      <Toasts />
      <Arrivals />
    </div>
  );
}

function View() {
  const now = route.value;
  switch (now.view) {
    case "compose":
      return <Compose key={`${now.kind}-${now.about ?? ""}`} route={now} onDone={comeBack} />;
    case "contacts":
      return <Contacts route={now} />;
    case "settings":
      return <Settings route={now} />;
    default:
      return <Panes thread={now.thread} />;
  }
}

function Panes({ thread }: { thread: string | undefined }) {
  const own = beside.value === "own";
  return (
    <>
      <h1 class="aside">{listName()}</h1>
      {(!own || thread === undefined) && <ListPane />}
      {(!own || thread !== undefined) && (
        <section class="reading" id="reading" tabIndex={-1} aria-label={t("read.region")}>
          {thread === undefined ? <Nobody /> : <Conversation key={thread} open={thread} />}
        </section>
      )}
    </>
  );
}

/** New mail, for whoever listens; eyes see it in the list and in the title. */
function Arrivals() {
  const arrival = mail.arrival.value;
  return (
    <p class="aside" role="status">
      {arrival && t("list.arrived", { n: arrival.count })}
    </p>
  );
}

/** Back to where one was before writing; to the inbox where there is no before. */
function comeBack(): void {
  if (history.length > 1) history.back();
  else go({ view: "mail", mailbox: "inbox" });
}

/** Past the head and the mailboxes, for whoever goes by Tab. */
function Skips({ waiting }: { waiting: boolean }) {
  const now = route.value;
  const mails = !waiting && (now.view === "mail" || now.view === "search");
  const own = beside.value === "own";
  const open = mails && now.thread !== undefined;
  return (
    <>
      {mails && (!own || !open) && <Skip to="list" text={t("skip.list")} />}
      {mails && (!own || open) && <Skip to="reading" text={t("skip.reading")} />}
      {!mails && <Skip to="main" text={t("skip.main")} />}
    </>
  );
}

/** The address's fragment is the route's, so the jump is made here. */
function Skip({ to, text }: { to: string; text: string }) {
  return (
    <a class="skip" href={`#${to}`} onClick={(event) => (event.preventDefault(), document.getElementById(to)?.focus())}>
      {text}
    </a>
  );
}

/** "(3) Inbox – Holdfast" */
function useTitle(): void {
  const unread = mail.mailboxes.all.value?.find((each) => each.role === "inbox")?.unreadThreads ?? 0;
  const titles: Partial<Record<typeof route.value.view, Key>> = {
    compose: "compose",
    contacts: "side.contacts",
    settings: "side.settings",
  };
  const named = titles[route.value.view];
  const name = named ? t(named) : listName();
  const product = mail.session.links.value.product;
  useEffect(() => {
    document.title = `${unread ? `(${unread}) ` : ""}${name ? `${name} – ` : ""}${product}`;
  }, [unread, name, product]);
}

/** What keys do wherever one is; views that know better come first. */
const pageCommands = {
  next: () => step(1),
  previous: () => step(-1),
  open: () => {
    const row = cursor.peek() && rowOf(cursor.peek() as string);
    return row && openKey() !== row.key ? openByKey(row) : false;
  },
  back: () => {
    if (!openKey()) return route.peek().view === "mail" ? false : go({ view: "mail", mailbox: "inbox" });
    takeFocus();
    return closeThread();
  },
  archive: () => (mailboxNow.peek()?.role === "archive" ? false : act("archive")),
  trash: () => (mailboxNow.peek()?.role === "trash" ? false : act("trash")),
  junk: () => act(mailboxNow.peek()?.role === "junk" ? "notJunk" : "junk"),
  move: () => ask("move"),
  label: () => ask("label"),
  snooze: () => (snoozing() ? ask("snooze") : false),
  undo: () => undoLast() || void undo(),
  star: starTarget,
  read: () => act("read"),
  unread: () => {
    const done = act("unread");
    if (done && openKey()) closeThread();
    return done;
  },
  select: () => {
    const row = rowOf(openKey() ?? cursor.peek() ?? "");
    return row ? toggle(row) : false;
  },
  selectAll: () => selectWhere(() => true),
  selectNone: clearSelection,
  selectRead: () => selectWhere((row) => !row.unread),
  selectUnread: () => selectWhere((row) => row.unread),
  selectStarred: () => selectWhere((row) => row.starred),
  search: () => {
    searching.value = true;
  },
  goInbox: () => go({ view: "mail", mailbox: "inbox" }),
  goStarred: () => go({ view: "mail", mailbox: "starred" }),
  goSent: () => go({ view: "mail", mailbox: "sent" }),
  goDrafts: () => go({ view: "mail", mailbox: "drafts" }),
  goAll: () => go({ view: "mail", mailbox: mail.mailboxes.byRole("all") ? "all" : "archive" }),
  goMailbox: askMailbox,
  goContacts: () => go({ view: "contacts" }),
  help: () => {
    helpShown.value = true;
  },
  compose: () => compose("new"),
  reply: () => answer("reply"),
  replyAll: () => answer("replyAll"),
  forward: () => answer("forward"),
};

/** Along the list: to the next conversation while one is read, else to the next row. */
function step(by: 1 | -1): unknown {
  const now = list.peek();
  if (!now || !["mail", "search"].includes(route.peek().view)) return false;
  if (openKey()) return void walk(by);
  const at = cursor.peek() ? now.indexOf(cursor.peek() as string) : -1;
  const row = now.row(at < 0 ? 0 : at + by);
  if (!row) return;
  takeFocus();
  cursor.value = row.key;
}

/** Answers the row with the focus, where no conversation is open. */
function answer(kind: "reply" | "replyAll" | "forward"): unknown {
  const row = selected.peek().size ? null : rowOf(openKey() ?? cursor.peek() ?? "");
  const last = row?.emails.at(-1);
  return last ? compose(kind, last) : false;
}
