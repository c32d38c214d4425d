/** A contact as it is edited: several addresses, numbers and postal addresses, each private or at work. */

import { useId, useState } from "preact/hooks";
import { type Contact, mail } from "../data";
import { t, type Key } from "../texts";
import { flawOf } from "../compose/addresses";
import { Icon } from "../ui/pieces/icon";
import { tell } from "../ui/problem";
import { go } from "../ui/router";
import { BLANK, type NewContact } from "./vcard";

const PLACES = ["", "private", "work"] as const;
const PHONE_PLACES = ["", "mobile", "private", "work"] as const;

export function Edit({ contact, onDone }: { contact: Contact | null; onDone: () => void }) {
  const [now, setNow] = useState<NewContact>(() => begun(contact));
  const [named, setNamed] = useState(contact !== null);
  const [wrong, setWrong] = useState<{ name?: string; emails: Record<number, string> }>({ emails: {} });
  const id = useId();
  const set = (patch: Partial<NewContact>) => setNow({ ...now, ...patch });
  // The full name follows its parts until it is written by hand.
  const setPart = (patch: Partial<NewContact>) => {
    const next = { ...now, ...patch };
    setNow(named ? next : { ...next, name: [next.given, next.surname].filter(Boolean).join(" ") || next.organization });
  };
  const save = async () => {
    const clean = tidy(now);
    const found = faults(clean, now);
    setWrong(found);
    if (found.name || Object.keys(found.emails).length) return focusFirstFault(id);
    if (contact) {
      const outcome = await mail.contacts.update(contact.id, clean);
      if (!outcome.ok) return tell(outcome.problem);
      return onDone();
    }
    const outcome = await mail.contacts.create(clean);
    if (!outcome.ok) return tell(outcome.problem);
    go({ view: "contacts", contact: outcome.value }, true);
  };
  const leave = () => (contact ? onDone() : go({ view: "contacts" }, true));
  const isGroup = now.kind === "group";
  return (
    <form id={id} class="contact-edit" noValidate onSubmit={(event) => (event.preventDefault(), void save())}>
      <h2>{t(contact ? "contacts.edit" : "contacts.new")}</h2>
      {!contact && (
        <fieldset class="choices">
          <legend>{t("contacts.kind")}</legend>
          {(["person", "organization", "group"] as const).map((kind) => (
            <label key={kind} class="check">
              <input type="radio" name={`${id}-kind`} checked={now.kind === kind} onChange={() => set({ kind })} />
              {t(`contacts.kind.${kind}`)}
            </label>
          ))}
        </fieldset>
      )}
      {now.kind === "person" && (
        <div class="field-pair">
          <Field name={t("contacts.given")} value={now.given} onChange={(given) => setPart({ given })} />
          <Field name={t("contacts.surname")} value={now.surname} onChange={(surname) => setPart({ surname })} />
        </div>
      )}
      <Field name={t(isGroup ? "contacts.groupName" : now.kind === "person" ? "contacts.name" : "contacts.organization")} value={now.name} error={wrong.name} onChange={(name) => (setNamed(true), set({ name }))} />
      {isGroup ? (
        <Members members={now.members} onChange={(members) => set({ members })} />
      ) : (
        <>
          <Several
            title={t("contacts.emails")}
            add={t("contacts.addEmail")}
            rows={now.emails}
            blank={{ address: "", label: "" as const }}
            places={PLACES}
            onChange={(emails) => set({ emails })}
            draw={(row, at, change, field) => (
              <>
                <input id={field} class="input" type="email" inputMode="email" aria-label={t("contacts.email")} aria-invalid={Boolean(wrong.emails[at])} aria-describedby={wrong.emails[at] ? `${field}-wrong` : undefined} value={row.address} onInput={(event) => change({ ...row, address: event.currentTarget.value })} />
                {wrong.emails[at] && (
                  <p id={`${field}-wrong`} class="error">
                    {wrong.emails[at]}
                  </p>
                )}
              </>
            )}
          />
          <Several
            title={t("contacts.phones")}
            add={t("contacts.addPhone")}
            rows={now.phones}
            blank={{ number: "", label: "" as const }}
            places={PHONE_PLACES}
            onChange={(phones) => set({ phones })}
            draw={(row, _, change, field) => <input id={field} class="input" type="tel" aria-label={t("contacts.phone")} value={row.number} onInput={(event) => change({ ...row, number: event.currentTarget.value })} />}
          />
          <Several
            title={t("contacts.postals")}
            add={t("contacts.addPostal")}
            rows={now.addresses}
            blank={{ text: "", label: "" as const }}
            places={PLACES}
            onChange={(addresses) => set({ addresses })}
            draw={(row, _, change, field) => <textarea id={field} class="input" rows={3} aria-label={t("contacts.postal")} value={row.text} onInput={(event) => change({ ...row, text: event.currentTarget.value })} />}
          />
          {now.kind === "person" && (
            <div class="field-pair">
              <Field name={t("contacts.organization")} value={now.organization} onChange={(organization) => setPart({ organization })} />
              <Field name={t("contacts.role")} value={now.title} onChange={(title) => set({ title })} />
            </div>
          )}
          <div class="field-pair">
            <Field name={t("contacts.nickname")} value={now.nickname} onChange={(nickname) => set({ nickname })} />
            <Field name={t("contacts.birthday")} type={now.birthday.startsWith("--") ? "text" : "date"} value={now.birthday} onChange={(day) => set({ birthday: day })} />
          </div>
        </>
      )}
      <div class="field">
        <label for={`${id}-note`}>{t("contacts.note")}</label>
        <textarea id={`${id}-note`} class="input" rows={4} value={now.note} onInput={(event) => set({ note: event.currentTarget.value })} />
      </div>
      <div class="contact-ways">
        <button type="submit" class="button primary">
          {t("contacts.save")}
        </button>
        <button type="button" class="button" onClick={leave}>
          {t("cancel")}
        </button>
      </div>
    </form>
  );
}

function begun(contact: Contact | null): NewContact {
  if (!contact) return { ...BLANK, emails: [{ address: "", label: "" }], phones: [{ number: "", label: "mobile" }] };
  const { id: _, pending: __, ...kept } = contact;
  return kept;
}

/** Without empty rows and spaces around. */
function tidy(contact: NewContact): NewContact {
  return {
    ...contact,
    name: contact.name.trim() || [contact.given, contact.surname].filter(Boolean).join(" ") || contact.emails[0]?.address.trim() || "",
    emails: contact.emails.map((each) => ({ ...each, address: each.address.trim() })).filter((each) => each.address),
    phones: contact.phones.map((each) => ({ ...each, number: each.number.trim() })).filter((each) => each.number),
    addresses: contact.addresses.map((each) => ({ ...each, text: each.text.trim() })).filter((each) => each.text),
    members: contact.kind === "group" ? contact.members : [],
  };
}

function faults(clean: NewContact, typed: NewContact): { name?: string; emails: Record<number, string> } {
  const emails: Record<number, string> = {};
  typed.emails.forEach(({ address }, at) => {
    const flaw = address.trim() ? flawOf({ name: "", email: address.trim() }) : null;
    if (flaw && flaw !== "odd") emails[at] = t(`compose.error.${flaw}`, { address: address.trim() });
  });
  return clean.name ? { emails } : { name: t("contacts.nameless"), emails };
}

function focusFirstFault(id: string): void {
  requestAnimationFrame(() => document.getElementById(id)?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
}

interface FieldProps {
  name: string;
  value: string;
  type?: "text" | "date";
  error?: string | undefined;
  onChange: (value: string) => void;
}

function Field({ name, value, type = "text", error, onChange }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{name}</label>
      <input id={id} class="input" type={type as "text"} autocomplete="off" value={value} aria-invalid={Boolean(error)} aria-describedby={error ? `${id}-wrong` : undefined} onInput={(event) => onChange(event.currentTarget.value)} />
      {error && (
        <p id={`${id}-wrong`} class="error" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

interface SeveralProps<Row extends { label: string }> {
  title: string;
  add: string;
  rows: Row[];
  blank: NoInfer<Row>;
  places: readonly Row["label"][];
  onChange: (rows: Row[]) => void;
  draw: (row: Row, at: number, change: (row: Row) => void, field: string) => preact.ComponentChildren;
}

function Several<Row extends { label: string }>({ title, add, rows, blank, places, onChange, draw }: SeveralProps<Row>) {
  const id = useId();
  const change = (at: number) => (row: Row) => onChange(rows.map((each, number) => (number === at ? row : each)));
  return (
    <fieldset class="several">
      <legend>{title}</legend>
      {rows.map((row, at) => (
        <div key={at} class="several-row">
          <div class="several-value">{draw(row, at, change(at), `${id}-${at}`)}</div>
          <select class="input" aria-label={t("contacts.labelOf", { name: title })} value={row.label} onChange={(event) => change(at)({ ...row, label: event.currentTarget.value })}>
            {places.map((each) => (
              <option key={each} value={each}>
                {t(`contacts.label.${each || "none"}` as Key)}
              </option>
            ))}
          </select>
          <button type="button" class="tool" aria-label={t("contacts.removeRow", { name: title })} onClick={() => onChange(rows.filter((_, number) => number !== at))}>
            <Icon name="close" />
          </button>
        </div>
      ))}
      <button type="button" class="button quiet" onClick={() => (onChange([...rows, blank]), focusRow(`${id}-${rows.length}`))}>
        <Icon name="plus" />
        {add}
      </button>
    </fieldset>
  );
}

function focusRow(field: string): void {
  requestAnimationFrame(() => document.getElementById(field)?.focus());
}

function Members({ members, onChange }: { members: string[]; onChange: (members: string[]) => void }) {
  const [text, setText] = useState("");
  const id = useId();
  const all = (mail.contacts.all.value ?? []).filter((each) => each.kind !== "group");
  const found = text.trim() ? mail.contacts.find(text.trim()).filter((each) => each.kind !== "group") : all;
  const toggle = (member: string) => onChange(members.includes(member) ? members.filter((each) => each !== member) : [...members, member]);
  return (
    <fieldset class="several">
      <legend>{t("contacts.memberNames")}</legend>
      <label class="aside" for={id}>
        {t("contacts.search")}
      </label>
      <input id={id} class="input" type="search" placeholder={t("contacts.search")} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      <div class="member-list">
        {found.slice(0, 200).map((each) => (
          <label key={each.id} class="check">
            <input type="checkbox" checked={members.includes(each.id)} onChange={() => toggle(each.id)} />
            <span>
              {each.name} <span class="soft">{each.emails[0]?.address}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
