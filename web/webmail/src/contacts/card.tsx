/** One contact as it is looked at: each address can be written to, each number called. */

import { useState } from "preact/hooks";
import { type Contact, mail } from "../data";
import { locale, t, type Key } from "../texts";
import { narrow } from "../ui/layout";
import { Confirm } from "../ui/pieces/dialog";
import { Face } from "../ui/pieces/face";
import { Icon } from "../ui/pieces/icon";
import { compose, href } from "../ui/router";
import { writeAddress } from "../compose/addresses";
import { membersOf, removeContacts, writeTo } from "./acts";

export function Card({ contact, onEdit }: { contact: Contact; onEdit: () => void }) {
  const [asking, setAsking] = useState(false);
  const all = mail.contacts.all.value ?? [];
  const members = membersOf(contact, all);
  const groups = all.filter((each) => each.members.includes(contact.id));
  const to = writeTo([contact], all);
  return (
    <article class="contact-card">
      {narrow.value && (
        <a class="tool" href={href({ view: "contacts" })} aria-label={t("contacts.back")}>
          <Icon name="back" />
        </a>
      )}
      <header class="contact-head">
        <Face large person={{ name: contact.name, email: contact.emails[0]?.address ?? "" }} />
        <div>
          <h2>{contact.name}</h2>
          {(contact.title || (contact.organization && contact.kind !== "organization")) && (
            <p class="soft">{[contact.title, contact.organization].filter(Boolean).join(", ")}</p>
          )}
        </div>
      </header>
      <div class="contact-ways">
        {to && (
          <button type="button" class="button primary" onClick={() => compose("new", undefined, { to })}>
            <Icon name="write" />
            {t("contacts.write")}
          </button>
        )}
        <button type="button" class="button" onClick={onEdit}>
          {t("contacts.edit")}
        </button>
        <button type="button" class="button" onClick={() => setAsking(true)}>
          {t("contacts.delete")}
        </button>
      </div>
      <dl class="contact-facts">
        {contact.emails.map((each) => (
          <Fact key={each.address} name={t("contacts.email")} label={each.label}>
            <button type="button" class="as-link" onClick={() => compose("new", undefined, { to: writeAddress({ name: contact.name, email: each.address }) })}>
              {each.address}
            </button>
          </Fact>
        ))}
        {contact.phones.map((each) => (
          <Fact key={each.number} name={t("contacts.phone")} label={each.label}>
            <a href={`tel:${each.number.replace(/[^\d+*#]/g, "")}`}>{each.number}</a>
          </Fact>
        ))}
        {contact.addresses.map((each) => (
          <Fact key={each.text} name={t("contacts.postal")} label={each.label}>
            <span class="lines">{each.text}</span>
          </Fact>
        ))}
        {contact.nickname && <Fact name={t("contacts.nickname")}>{contact.nickname}</Fact>}
        {contact.birthday && <Fact name={t("contacts.birthday")}>{birthday(contact.birthday)}</Fact>}
        {contact.note && (
          <Fact name={t("contacts.note")}>
            <span class="lines">{contact.note}</span>
          </Fact>
        )}
        {contact.kind === "group" && (
          <Fact name={t("contacts.memberNames")}>
            <People people={members} />
          </Fact>
        )}
        {groups.length > 0 && (
          <Fact name={t("contacts.groups")}>
            <People people={groups} />
          </Fact>
        )}
      </dl>
      {asking && (
        <Confirm
          title={t("contacts.deleteTitle", { n: 1 })}
          text={t("contacts.deleteOne", { name: contact.name })}
          yes={t("contacts.delete")}
          danger
          onYes={() => void removeContacts([contact])}
          onClose={() => setAsking(false)}
        />
      )}
    </article>
  );
}

function Fact({ name, label = "", children }: { name: string; label?: "private" | "work" | "mobile" | ""; children: preact.ComponentChildren }) {
  return (
    <div class="contact-fact">
      <dt>
        {name}
        {label && <span class="soft"> · {t(`contacts.label.${label}` as Key)}</span>}
      </dt>
      <dd>{children}</dd>
    </div>
  );
}

function People({ people }: { people: Contact[] }) {
  return (
    <ul class="contact-people">
      {people.map((each) => (
        <li key={each.id}>
          <a href={href({ view: "contacts", contact: each.id })}>{each.name}</a>
        </li>
      ))}
    </ul>
  );
}

/** "12 April 1985", or without the year where none is known. */
export function birthday(date: string): string {
  const yearless = date.startsWith("--");
  const day = new Date(`${yearless ? `2000-${date.slice(2)}` : date}T12:00:00Z`);
  if (Number.isNaN(day.getTime())) return date;
  return new Intl.DateTimeFormat(locale(), { day: "numeric", month: "long", ...(yearless ? {} : { year: "numeric" }), timeZone: "UTC" }).format(day);
}
