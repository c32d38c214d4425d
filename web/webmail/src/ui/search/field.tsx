/** The search field: operators and addresses are completed, recent searches offered, and what this device knows is
 * shown as one types; Enter asks for all of it. */

import { signal } from "@preact/signals";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../../texts";
import { useCommands } from "../keys/dispatch";
import { narrow } from "../layout";
import { mailboxBefore } from "../list/current";
import { mailboxSlug } from "../names";
import { Icon } from "../pieces/icon";
import { go, openThread, route } from "../router";
import { OfferLine, useOffers, type Offer } from "./offers";
import { remember } from "./recent";

/** On a telephone the field is there only while one searches. */
export const searching = signal(false);

export function SearchField() {
  const { field, text, open, setOpen, offers, place, offer, type, take, onKey, leave } = useSearching();
  const id = useId();
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
          <OfferLine
            key={index}
            id={`${id}-${index}`}
            offer={each}
            active={index === place}
            onTake={() => take(each)}
          />
        ))}
      </ul>
    </form>
  );
}

/** What is typed, what is offered for it, and what becomes of either. */
function useSearching() {
  const shown = route.value.view === "search" ? route.value.query : "";
  const [text, setText] = useState(shown);
  const [open, setOpen] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const { offers, place, setPlace, offer } = useOffers(field);
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
    if (chosen.kind === "recent" || chosen.kind === "all") return search(chosen.text);
    if (chosen.kind === "found") {
      search(text);
      return openThread(chosen.row.key, true);
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
    else if (event.key === "Escape") open ? setOpen(false) : leave();
    else return;
    event.preventDefault();
  };
  const leave = () => {
    const before = mailboxBefore.peek();
    setText("");
    setOpen(false);
    searching.value = false;
    if (route.peek().view === "search") go({ view: "mail", mailbox: before ? mailboxSlug(before) : "inbox" });
    field.current?.blur();
  };
  return { field, text, open, setOpen, offers, place, offer, type, take, onKey, leave };
}
