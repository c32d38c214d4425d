/** What the search field offers: searches of before, operators, addresses, and mail of this device. */

import type { RefObject } from "preact";
import { useState } from "preact/hooks";
import { mail, type Row } from "../../data";
import { language, t } from "../../texts";
import { listDate } from "../../texts/dates";
import { personName } from "../names";
import { Icon } from "../pieces/icon";
import { Marked } from "../pieces/marked";
import { recent } from "./recent";

export type Offer =
  | { kind: "complete"; insert: string; start: number; end: number; hint: string }
  | { kind: "recent"; text: string }
  | { kind: "found"; row: Row; marks: string[] }
  | { kind: "all"; text: string };

const FOUND = 5;

/** Offers for what is typed: at once what is known by heart, then what this device finds. */
export function useOffers(field: RefObject<HTMLInputElement | null>) {
  const [offers, setOffers] = useState<Offer[]>([]);
  const [place, setPlace] = useState(-1);
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
    if (!now.trim()) return void mail.search.quick(now, 0); // what is searched is read ahead of the first letter
    const { marks } = mail.search.parse(now);
    const rows = await mail.search.quick(now, FOUND);
    if (field.current?.value !== now) return;
    setOffers([...first, ...rows.map((row): Offer => ({ kind: "found", row, marks })), { kind: "all", text: now }]);
  };
  return { offers, place, setPlace, offer };
}

interface LineProps {
  id: string;
  offer: Offer;
  active: boolean;
  onTake: () => void;
}

export function OfferLine({ id, offer, active, onTake }: LineProps) {
  return (
    <li
      id={id}
      class="menu-item"
      role="option"
      aria-selected={active}
      data-active={active || undefined}
      onPointerDown={(event) => event.preventDefault()}
      onClick={onTake}
    >
      <OfferView offer={offer} />
    </li>
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
