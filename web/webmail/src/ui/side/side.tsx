/** The mailboxes: where one is, what is new, and where mail can be dropped. */

import { useEffect, useRef } from "preact/hooks";
import { mail, type Id, type Mailbox } from "../../data";
import { locale, t } from "../../texts";
import { dragged, drop, takes } from "../list/drag";
import { drawer, narrow } from "../layout";
import { mailboxIcon, mailboxName, mailboxSlug } from "../names";
import { Icon, type IconName } from "../pieces/icon";
import { Menu } from "../pieces/menu";
import { Tool } from "../pieces/tool";
import { compose, href, route, type Route } from "../router";
import { setting } from "../setting";
import { asking } from "./mailbox_dialogs";
import { mailboxMenu } from "./mailbox_menu";

export function Side() {
  const all = mail.mailboxes.all.value;
  const folded = foldedNow();
  const shown = (all ?? []).filter((each) => !above(each, all ?? []).some((up) => folded.includes(up.id)));
  const roles = shown.filter((each) => rolesFirst(each, all ?? []));
  const own = shown.filter((each) => !rolesFirst(each, all ?? []));
  const open = drawer.value && narrow.value;
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    if (open) nav.current?.querySelector<HTMLElement>("[aria-current], a")?.focus();
    return () => {
      if (open) document.querySelector<HTMLElement>("[aria-controls=mailboxes]")?.focus();
    };
  }, [open]);
  const inbox = roles.filter((each) => each.role === "inbox");
  return (
    <nav
      ref={nav}
      class={open ? "side open" : "side"}
      aria-label={t("side.label")}
      id="mailboxes"
      tabIndex={-1}
      onKeyDown={(event) => event.key === "Escape" && (drawer.value = false)}
    >
      <button
        type="button"
        class="button primary side-compose"
        onClick={() => ((drawer.value = false), compose("new"))}
      >
        <Icon name="write" />
        {t("compose")}
      </button>
      {all === null && <Bones />}
      <ul>
        {inbox.map((each) => (
          <Line key={each.id} mailbox={each} all={all ?? []} folded={folded} />
        ))}
        {all && <Place icon="star" text={t("special.starred")} to={{ view: "mail", mailbox: "starred" }} />}
        {roles
          .filter((each) => each.role !== "inbox")
          .map((each) => (
            <Line key={each.id} mailbox={each} all={all ?? []} folded={folded} />
          ))}
      </ul>
      {all && <OwnHead />}
      <ul>
        {own.map((each) => (
          <Line key={each.id} mailbox={each} all={all ?? []} folded={folded} />
        ))}
      </ul>
      {all && own.length === 0 && <p class="side-hint">{t("side.none")}</p>}
      <Searches />
      <ul class="side-foot">
        <Place icon="contacts" text={t("side.contacts")} to={{ view: "contacts" }} />
        <Place icon="settings" text={t("side.settings")} to={{ view: "settings" }} />
      </ul>
      <Room />
    </nav>
  );
}

function OwnHead() {
  return (
    <div class="side-head">
      <h2>{t("side.own")}</h2>
      <Tool icon="plus" text={t("mailbox.new")} run={() => (asking.value = { what: "new", parent: null })} />
    </div>
  );
}

function Searches() {
  const searches = setting("searches");
  if (searches.length === 0) return null;
  return (
    <>
      <div class="side-head">
        <h2>{t("side.searches")}</h2>
      </div>
      <ul>
        {searches.map((each) => (
          <Place key={each.name} icon="search" text={each.name} to={{ view: "search", query: each.text }} />
        ))}
      </ul>
    </>
  );
}

function Line({ mailbox, all, folded }: { mailbox: Mailbox; all: Mailbox[]; folded: Id[] }) {
  const inner = all.some((each) => each.parent === mailbox.id);
  const isFolded = folded.includes(mailbox.id);
  const now = route.value;
  const here = now.view === "mail" && now.mailbox === mailboxSlug(mailbox);
  const line = useRef<HTMLLIElement>(null);
  const name = mailboxName(mailbox);
  const n = counted(mailbox, isFolded ? all : []);
  const over = (on: boolean) => line.current?.classList.toggle("over", on);
  return (
    <li
      ref={line}
      class={`side-line depth-${Math.min(mailbox.depth, 4)}${dragged.value && takes(mailbox) ? " takes" : ""}`}
      onDragOver={(event) => {
        if (!takes(mailbox)) return;
        event.preventDefault();
        over(true);
      }}
      onDragLeave={() => over(false)}
      onDrop={(event) => {
        event.preventDefault();
        over(false);
        drop(mailbox);
      }}
    >
      {inner && (
        <button
          type="button"
          class="side-fold"
          aria-expanded={!isFolded}
          aria-label={t(isFolded ? "side.unfold" : "side.fold", { name })}
          onClick={() => fold(mailbox.id)}
        >
          <Icon name={isFolded ? "right" : "down"} />
        </button>
      )}
      <a
        class="side-link"
        href={href({ view: "mail", mailbox: mailboxSlug(mailbox) })}
        aria-current={here ? "page" : undefined}
        onClick={() => (drawer.value = false)}
      >
        <Icon name={mailboxIcon(mailbox)} />
        <span class="side-name">{name}</span>
        {n.count > 0 && (
          <span class={n.fresh ? "side-count fresh" : "side-count"}>
            {n.count.toLocaleString(locale())}
            <span class="aside"> {t(n.fresh ? "side.unread" : "side.total")}</span>
          </span>
        )}
      </a>
      <Menu class="tool side-more" label={t("mailbox.menu", { name })} items={() => mailboxMenu(mailbox)} />
    </li>
  );
}

function Place({ icon, text, to }: { icon: IconName; text: string; to: Route }) {
  const here = href(route.value).startsWith(href(to));
  return (
    <li class="side-line">
      <a
        class="side-link"
        href={href(to)}
        aria-current={here ? "page" : undefined}
        onClick={() => (drawer.value = false)}
      >
        <Icon name={icon} />
        <span class="side-name">{text}</span>
      </a>
    </li>
  );
}

function Bones() {
  return (
    <ul aria-hidden="true">
      {[0, 1, 2, 3, 4, 5].map((each) => (
        <li key={each} class="side-line bones">
          <span class={`bone wide-${each % 3}`} />
        </li>
      ))}
    </ul>
  );
}

const NEARLY = 0.85;

/** How full the mailbox is, once that matters. */
function Room() {
  const room = mail.device.mailbox.value;
  if (!room || room.limit <= 0 || room.used / room.limit < NEARLY) return null;
  const percent = Math.min(100, Math.round((100 * room.used) / room.limit));
  return (
    <p class="side-room">
      <meter min={0} max={100} high={90} value={percent} aria-label={t("side.room")} />
      {t("side.roomText", { n: percent })}
    </p>
  );
}

/** Unread conversations; of drafts and what is scheduled, all. A folded one counts for those inside. */
function counted(mailbox: Mailbox, all: Mailbox[]): { count: number; fresh: boolean } {
  if (mailbox.role === "drafts" || mailbox.role === "scheduled" || mailbox.role === "snoozed")
    return { count: mailbox.total, fresh: false };
  if (mailbox.role === "trash" || mailbox.role === "sent") return { count: 0, fresh: false };
  const count = (each: Mailbox) => (setting("conversations") ? each.unreadThreads : each.unread);
  const inside = all.filter((each) => above(each, all).some((up) => up.id === mailbox.id));
  return { count: inside.reduce((sum, each) => sum + count(each), count(mailbox)), fresh: mailbox.role !== "junk" };
}

function above(mailbox: Mailbox, all: Mailbox[]): Mailbox[] {
  const parent = all.find((each) => each.id === mailbox.parent);
  return parent ? [parent, ...above(parent, all)] : [];
}

/** Mailboxes with a role, and those inside them, come first. */
function rolesFirst(mailbox: Mailbox, all: Mailbox[]): boolean {
  return mailbox.role !== null || above(mailbox, all).some((each) => each.role !== null);
}

function foldedNow(): Id[] {
  const folded = setting("own").folded;
  return Array.isArray(folded) ? (folded as Id[]) : [];
}

function fold(id: Id): void {
  const folded = foldedNow();
  const next = folded.includes(id) ? folded.filter((each) => each !== id) : [...folded, id];
  void mail.settings.set({ own: { ...mail.settings.now.peek().own, folded: next } });
}
