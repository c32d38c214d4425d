/** A field of addresses: chips, and completion from contacts and from people written to (WAI-ARIA combobox).
 *
 * Comma, semicolon, Enter and Tab end an address; Backspace and the left arrow go to the chips, Delete takes one
 * away, Enter opens it for a correction.
 */

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { mail, type Person, type Suggestion } from "../data";
import { t } from "../texts";
import { Icon } from "../ui/pieces/icon";
import { type Flaw, flawOf, isSame, parseAddresses, unique, writeAddress } from "./addresses";

export interface RecipientsProps {
  name: string;
  people: Person[];
  onChange: (people: Person[]) => void;
  autofocus?: boolean;
  error?: string | undefined;
}

const SUGGESTED = 8;

export function Recipients({ name, people, onChange, autofocus = false, error }: RecipientsProps) {
  const [text, setText] = useState("");
  const [found, setFound] = useState<Suggestion[]>([]);
  const [chosen, setChosen] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const chips = useRef<HTMLUListElement>(null);
  const id = useId();
  const open = found.length > 0;
  useEffect(() => {
    if (autofocus) input.current?.focus();
  }, []);

  const type = (value: string) => {
    setText(value);
    const all = value.trim() ? mail.contacts.suggest(value.trim(), SUGGESTED) : [];
    setFound(all.filter((each) => each.people.some((one) => !people.some((other) => isSame(one, other)))));
    setChosen(0);
  };
  const add = (more: Person[]) => {
    onChange(unique([...people, ...more]));
    type("");
  };
  const commit = () => text.trim() && add(parseAddresses(text));
  const remove = (at: number) => {
    onChange(people.filter((_, each) => each !== at));
    focusChip(Math.min(at, people.length - 2));
  };
  const focusChip = (at: number) =>
    requestAnimationFrame(() => (chips.current?.querySelectorAll<HTMLElement>(".recipient")[at] ?? input.current)?.focus());
  const correct = (at: number) => {
    const person = people[at];
    if (!person) return;
    onChange(people.filter((_, each) => each !== at));
    type(writeAddress(person));
    input.current?.focus();
  };

  const onKey = (event: KeyboardEvent) => {
    const picks = open && (event.key === "Enter" || event.key === "Tab");
    if (picks) add(found[chosen]?.people ?? []);
    else if (["Enter", ",", ";"].includes(event.key) && !event.ctrlKey && !event.metaKey) commit();
    else if (event.key === "ArrowDown" && open) setChosen((chosen + 1) % found.length);
    else if (event.key === "ArrowUp" && open) setChosen((chosen + found.length - 1) % found.length);
    else if (event.key === "Escape" && open) setFound([]);
    else if (event.key === "Backspace" && !text && people.length) focusChip(people.length - 1);
    else if (event.key === "ArrowLeft" && !input.current?.selectionStart && !input.current?.selectionEnd && people.length) focusChip(people.length - 1);
    else return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (event.key === "Escape") event.stopPropagation();
  };

  const flaws = people.map(flawOf);
  const isBad = flaws.some((each) => each !== null && each !== "odd");
  const notes = [...(error ? [error] : []), ...people.flatMap((each, at) => noteOf(each, flaws[at] ?? null))];
  return (
    <div class="recipients">
      <label class="recipients-name" for={`${id}-input`}>
        {name}
      </label>
      <div class="recipients-room" onClick={(event) => event.target === event.currentTarget && input.current?.focus()}>
        {people.length > 0 && (
          <ul ref={chips} class="recipient-chips">
            {people.map((person, at) => (
              <Chip
                key={person.email + String(at)}
                person={person}
                flaw={flaws[at] ?? null}
                onEdit={() => correct(at)}
                onRemove={() => remove(at)}
                onStep={(step) => (at + step >= people.length ? input.current?.focus() : focusChip(Math.max(0, at + step)))}
              />
            ))}
          </ul>
        )}
        <input
          ref={input}
          id={`${id}-input`}
          class="recipients-input"
          type="text"
          inputMode="email"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          role="combobox"
          aria-expanded={open}
          aria-autocomplete="list"
          aria-controls={`${id}-list`}
          aria-activedescendant={open ? `${id}-${chosen}` : undefined}
          aria-invalid={isBad || Boolean(error)}
          aria-describedby={notes.length ? `${id}-notes` : undefined}
          value={text}
          onInput={(event) => type(event.currentTarget.value)}
          onKeyDown={onKey}
          onBlur={() => (commit(), setFound([]))}
          onPaste={(event) => {
            const pasted = event.clipboardData?.getData("text/plain") ?? "";
            if (!/[,;\n<]/.test(pasted)) return;
            event.preventDefault();
            add(parseAddresses(text + pasted));
          }}
        />
        <SuggestionList id={id} found={found} chosen={chosen} onHover={setChosen} onPick={(each) => (add(each.people), input.current?.focus())} />
      </div>
      <Notes id={`${id}-notes`} notes={notes} isAlert={Boolean(error)} />
    </div>
  );
}

function noteOf({ email }: Person, flaw: Flaw): string[] {
  if (!flaw) return [];
  return [flaw === "odd" ? t("compose.doubt.odd", { address: email }) : t(`compose.error.${flaw}`, { address: email })];
}

interface SuggestionListProps {
  /** Of the field; the list's and its options' are made from it. */
  id: string;
  found: Suggestion[];
  chosen: number;
  onHover: (at: number) => void;
  onPick: (suggestion: Suggestion) => void;
}

function SuggestionList({ id, found, chosen, onHover, onPick }: SuggestionListProps) {
  return (
    <ul id={`${id}-list`} class="suggestions" role="listbox" aria-label={t("compose.suggestions")} hidden={!found.length}>
      {found.map((each, at) => (
        <li
          key={each.label}
          id={`${id}-${at}`}
          role="option"
          aria-selected={at === chosen}
          onMouseDown={(event) => event.preventDefault()}
          onMouseEnter={() => onHover(at)}
          onClick={() => onPick(each)}
        >
          <Option suggestion={each} />
        </li>
      ))}
    </ul>
  );
}

/** What is wrong in the field, one line each. */
function Notes({ id, notes, isAlert }: { id: string; notes: string[]; isAlert: boolean }) {
  if (!notes.length) return null;
  return (
    <div id={id} class="recipients-notes" role={isAlert ? "alert" : undefined}>
      {notes.map((each) => (
        <p key={each}>
          <Icon name="warning" />
          {each}
        </p>
      ))}
    </div>
  );
}

function Option({ suggestion }: { suggestion: Suggestion }) {
  const [first] = suggestion.people;
  if (suggestion.people.length !== 1 || !first) return <span>{suggestion.label}</span>;
  return (
    <>
      <span class="suggestion-name">{first.name || first.email}</span>
      {first.name && <span class="suggestion-address">{first.email}</span>}
    </>
  );
}

interface ChipProps {
  person: Person;
  flaw: Flaw;
  onEdit: () => void;
  onRemove: () => void;
  onStep: (step: 1 | -1) => void;
}

function Chip({ person, flaw, onEdit, onRemove, onStep }: ChipProps) {
  const label = person.name || person.email;
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Backspace" || event.key === "Delete") onRemove();
    else if (event.key === "ArrowLeft") onStep(-1);
    else if (event.key === "ArrowRight") onStep(1);
    else return;
    event.preventDefault();
  };
  return (
    <li class={flaw ? `recipient-chip ${flaw === "odd" ? "odd" : "bad"}` : "recipient-chip"}>
      <button type="button" class="recipient" tabIndex={-1} title={writeAddress(person)} aria-label={t("compose.editRecipient", { name: writeAddress(person) })} onClick={onEdit} onKeyDown={onKey}>
        {flaw && <Icon name="warning" />}
        <span>{label}</span>
      </button>
      <button type="button" class="recipient-remove" tabIndex={-1} aria-label={t("compose.removeRecipient", { name: label })} onClick={onRemove}>
        <Icon name="close" />
      </button>
    </li>
  );
}
