/** The list of contacts: any length, searched as one types, several chosen at a time. */

import type { Signal } from "@preact/signals";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { type Contact, mail } from "../data";
import { t } from "../texts";
import { Confirm } from "../ui/pieces/dialog";
import { Face } from "../ui/pieces/face";
import { Icon } from "../ui/pieces/icon";
import { Menu } from "../ui/pieces/menu";
import { compose, go, href } from "../ui/router";
import { useTransfer } from "./transfer";
import { addMembers, removeContacts, writeTo } from "./acts";

const ROW = 3.5; // rem
const AROUND = 8;

export interface ContactListProps {
  text: Signal<string>;
  chosen: Signal<ReadonlySet<string>>;
  open: string | undefined;
}

export function ContactList({ text, chosen, open }: ContactListProps) {
  const all = mail.contacts.all.value;
  const shown = text.value.trim() ? mail.contacts.find(text.value.trim()) : (all ?? []);
  const search = useId();
  const { menu, dialogs } = useTransfer(() => (chosen.value.size ? (all ?? []).filter((each) => chosen.value.has(each.id)) : (all ?? [])));
  return (
    <section class="contact-list" aria-label={t("contacts.list")}>
      <div class="contact-bar">
        <label class="aside" for={search}>
          {t("contacts.search")}
        </label>
        <input id={search} class="input" type="search" placeholder={t("contacts.search")} value={text.value} onInput={(event) => (text.value = event.currentTarget.value)} />
        <a class="tool" href={href({ view: "contacts", contact: "new" })} aria-label={t("contacts.new")} title={t("contacts.new")}>
          <Icon name="plus" />
        </a>
        <Menu label={t("contacts.more")} items={menu} />
      </div>
      {chosen.value.size > 0 && <ChosenBar all={all ?? []} chosen={chosen} />}
      {all === null ? (
        <div class="part-waiting" aria-busy="true" />
      ) : shown.length ? (
        <Rows contacts={shown} chosen={chosen} open={open} />
      ) : (
        <div class="empty">
          <Icon name="contacts" />
          <p>{t(text.value ? "contacts.noneFound" : "contacts.none")}</p>
        </div>
      )}
      {dialogs}
    </section>
  );
}

function ChosenBar({ all, chosen }: { all: Contact[]; chosen: Signal<ReadonlySet<string>> }) {
  const [asking, setAsking] = useState(false);
  const these = all.filter((each) => chosen.value.has(each.id));
  const groups = all.filter((each) => each.kind === "group");
  const none = () => (chosen.value = new Set());
  return (
    <div class="contact-chosen" role="toolbar" aria-label={t("contacts.chosen", { n: these.length })}>
      <span>{t("contacts.chosen", { n: these.length })}</span>
      <button type="button" class="tool" aria-label={t("contacts.write")} title={t("contacts.write")} onClick={() => compose("new", undefined, { to: writeTo(these, all) })}>
        <Icon name="write" />
      </button>
      {groups.length > 0 && (
        <Menu
          label={t("contacts.toGroup")}
          icon="contacts"
          items={groups.map((each) => ({ text: each.name, run: () => void addMembers(each, these).then(none) }))}
        />
      )}
      <button type="button" class="tool" aria-label={t("contacts.delete")} title={t("contacts.delete")} onClick={() => setAsking(true)}>
        <Icon name="trash" />
      </button>
      <button type="button" class="tool" aria-label={t("contacts.chooseNone")} title={t("contacts.chooseNone")} onClick={none}>
        <Icon name="close" />
      </button>
      {asking && (
        <Confirm
          title={t("contacts.deleteTitle", { n: these.length })}
          text={t("contacts.deleteText")}
          yes={t("contacts.delete")}
          danger
          onYes={() => void removeContacts(these).then(none)}
          onClose={() => setAsking(false)}
        />
      )}
    </div>
  );
}

/** Only rows in sight are drawn; the list is as high as all of them. */
function Rows({ contacts, chosen, open }: { contacts: Contact[]; chosen: Signal<ReadonlySet<string>>; open: string | undefined }) {
  const scroller = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState({ first: 0, last: 30 });
  const measure = () => {
    const box = scroller.current;
    if (!box) return;
    const height = ROW * (parseFloat(getComputedStyle(document.documentElement).fontSize) || 16);
    const first = Math.max(0, Math.floor(box.scrollTop / height) - AROUND);
    const last = Math.ceil((box.scrollTop + box.clientHeight) / height) + AROUND;
    setSight((was) => (was.first === first && was.last === last ? was : { first, last }));
  };
  useEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const watch = new ResizeObserver(measure);
    watch.observe(box);
    return () => watch.disconnect();
  }, []);
  const toggle = (id: string) => {
    const next = new Set(chosen.value);
    if (!next.delete(id)) next.add(id);
    chosen.value = next;
  };
  const rows = contacts.slice(sight.first, sight.last);
  const space = (count: number) => (element: HTMLElement | null) => element?.style.setProperty("height", `${Math.max(0, count) * ROW}rem`);
  return (
    <div ref={scroller} class="contact-rows" onScroll={measure}>
      <div key={`above-${sight.first}`} ref={space(sight.first)} />
      <ul>
        {rows.map((each, at) => (
          <li key={each.id} class={each.id === open ? "contact-row open" : "contact-row"} aria-setsize={contacts.length} aria-posinset={sight.first + at + 1}>
            <label class="contact-check">
              <input type="checkbox" checked={chosen.value.has(each.id)} aria-label={t("contacts.choose1", { name: each.name })} onChange={() => toggle(each.id)} />
              <Face person={{ name: each.name, email: each.emails[0]?.address ?? "" }} />
            </label>
            <a class="contact-link" href={href({ view: "contacts", contact: each.id })} aria-current={each.id === open ? "true" : undefined} onKeyDown={(event) => walk(event, contacts, sight.first + at)}>
              <span class="contact-name">
                {each.name}
                {each.pending && <span class="soft"> · {t("contacts.pending")}</span>}
              </span>
              <span class="contact-under">{under(each)}</span>
            </a>
          </li>
        ))}
      </ul>
      <div key={`below-${contacts.length - sight.last}`} ref={space(contacts.length - sight.last)} />
    </div>
  );
}

function walk(event: KeyboardEvent, contacts: Contact[], at: number): void {
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
  const next = to === undefined ? undefined : contacts[to];
  if (!next) return;
  event.preventDefault();
  go({ view: "contacts", contact: next.id }, true);
  requestAnimationFrame(() => document.querySelector<HTMLElement>(".contact-row.open .contact-link")?.focus());
}

function under(contact: Contact): string {
  if (contact.kind === "group") return t("contacts.members", { n: contact.members.length });
  return contact.emails[0]?.address ?? contact.phones[0]?.number ?? contact.organization;
}
