/** The search field: operators and addresses are completed, recent searches offered, and what this device knows is
 * shown as one types; Enter asks for all of it. */

import { signal } from "@preact/signals";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { mail, type Row } from "../../data";
import { language, t } from "../../texts";
import { listDate } from "../../texts/dates";
import { useCommands } from "../keys/dispatch";
import { narrow } from "../layout";
import { personName } from "../names";
import { Icon } from "../pieces/icon";
import { Marked } from "../pieces/marked";
import { go, openThread, route } from "../router";
import { recent, remember } from "./recent";

/** On a telephone the field is there only while one searches. */
export const searching = signal(false);

type Offer =
  | { kind: "complete"; insert: string; start: number; end: number; hint: string }
  | { kind: "recent"; text: string }
  | { kind: "found"; row: Row; marks: string[] }
  | { kind: "all"; text: string };

const FOUND = 5;

export function SearchField() {
  const shown = route.value.view === "search" ? route.value.query : "";
  const [text, setText] = useState(shown);
  const [open, setOpen] = useState(false);
  const [offers, setOffers] = useState<Offer[]>([]);
  const [place, setPlace] = useState(-1);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  useEffect(() => setText(shown), [shown]);
  useLayoutEffect(() => {
    if (narrow.value && searching.value) field.current?.focus();
  }, []);
  useCommands({
    search: () => {
      searching.value = true;
      field.current?.focus();
      field.current?.select();
    },
  });

  const offer = async (now: string) => {
    const cursor = field.current?.selectionStart ?? now.length;
    const completions = mail.search.complete(now, cursor, language.peek()).slice(0, 6);
    const first: Offer[] = now.trim()
      ? completions.map((each) => ({ kind: "complete", ...each }))
      : [
          ...recent().map((each): Offer => ({ kind: "recent", text: each })),
          ...completions.map((each): Offer => ({ kind: "complete", ...each })),
        ];
    setOffers(now.trim() ? [...first, { kind: "all", text: now }] : first);
    setPlace(-1);
    if (!now.trim()) return;
    const { marks } = mail.search.parse(now);
    const rows = await mail.search.quick(now, FOUND);
    if (field.current?.value !== now) return;
    setOffers([...first, ...rows.map((row): Offer => ({ kind: "found", row, marks })), { kind: "all", text: now }]);
  };
  const type = (now: string) => {
    setText(now);
    setOpen(true);
    void offer(now);
  };
  const search = (query: string) => {
    const plain = query.trim();
    setOpen(false);
    if (!plain) return;
    remember(plain);
    searching.value = false;
    field.current?.blur();
    go({ view: "search", query: plain });
  };
  const take = (chosen: Offer) => {
    if (chosen.kind === "recent") return search(chosen.text);
    if (chosen.kind === "all") return search(chosen.text);
    if (chosen.kind === "found") {
      setOpen(false);
      searching.value = false;
      remember(text.trim());
      go({ view: "search", query: text.trim() });
      openThread(chosen.row.key, true);
      return;
    }
    const next = text.slice(0, chosen.start) + chosen.insert + text.slice(chosen.end);
    type(next);
    const cursor = chosen.start + chosen.insert.length;
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(cursor, cursor);
    });
  };
  const onKey = (event: KeyboardEvent) => {
    const chosen = offers[place];
    if (event.key === "ArrowDown" && offers.length) setPlace((place + 1) % offers.length);
    else if (event.key === "ArrowUp" && offers.length) setPlace(place <= 0 ? offers.length - 1 : place - 1);
    else if (event.key === "Enter") open && chosen ? take(chosen) : search(text);
    else if (event.key === "Tab" && open && chosen?.kind === "complete") take(chosen);
    else if (event.key === "Escape") escape();
    else return;
    event.preventDefault();
  };
  const escape = () => {
    if (open) return setOpen(false);
    leave();
  };
  const leave = () => {
    setText("");
    setOpen(false);
    searching.value = false;
    if (route.peek().view === "search") go({ view: "mail", mailbox: "inbox" });
    field.current?.blur();
  };

  const listed = open && offers.length > 0;
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => event.preventDefault()}
      onFocusOut={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOpen(false);
      }}
    >
      <Icon name="search" />
      <input
        ref={field}
        id="search"
        class="search-input"
        type="text"
        inputMode="search"
        enterkeyhint="search"
        role="combobox"
        aria-label={t("search.label")}
        aria-expanded={listed}
        aria-controls={id}
        aria-autocomplete="list"
        aria-activedescendant={listed && place >= 0 ? `${id}-${place}` : undefined}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        placeholder={t("search.placeholder")}
        value={text}
        onFocus={() => {
          setOpen(true);
          void offer(text);
        }}
        onInput={(event) => type(event.currentTarget.value)}
        onKeyDown={onKey}
      />
      {(text || narrow.value) && (
        <button type="button" class="tool" aria-label={t("search.leave")} onClick={leave}>
          <Icon name="close" />
        </button>
      )}
      <ul id={id} class="search-offers" role="listbox" aria-label={t("search.offers")} hidden={!listed}>
        {offers.map((each, index) => (
          <li
            key={index}
            id={`${id}-${index}`}
            class="menu-item"
            role="option"
            aria-selected={index === place}
            data-active={index === place || undefined}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => take(each)}
          >
            <OfferView offer={each} />
          </li>
        ))}
      </ul>
    </form>
  );
}

function OfferView({ offer }: { offer: Offer }) {
  if (offer.kind === "complete")
    return (
      <>
        <Icon name={offer.insert.includes("@") ? "person" : "label"} />
        <span class="menu-text">{offer.insert.trim()}</span>
        <span class="soft">{offer.hint || explained(offer.insert)}</span>
      </>
    );
  if (offer.kind === "recent")
    return (
      <>
        <Icon name="clock" />
        <span class="menu-text">{offer.text}</span>
      </>
    );
  if (offer.kind === "all")
    return (
      <>
        <Icon name="search" />
        <span class="menu-text">{t("search.all", { query: offer.text })}</span>
      </>
    );
  const { row, marks } = offer;
  return (
    <>
      <Icon name="unread" />
      <span class="menu-text search-found">
        <Marked text={row.subject || t("subject.none")} words={marks} />
        <small>{row.people.map((each) => (each.me ? t("person.me") : personName(each))).join(", ")}</small>
      </span>
      <span class="soft">{listDate(row.date)}</span>
    </>
  );
}

const EXPLAINED = [
  "from",
  "to",
  "cc",
  "subject",
  "filename",
  "has",
  "is",
  "in",
  "larger",
  "smaller",
  "before",
  "after",
  "older_than",
  "newer_than",
] as const;

/** What an operator looks for, with an example of a value where it needs one. */
function explained(insert: string): string {
  const operator = mail.search.parse(insert.endsWith(":") ? `${insert}1` : insert).pieces[0]?.operator;
  const known = EXPLAINED.find((each) => each === operator);
  return known ? t(`search.hint.${known}`) : "";
}
