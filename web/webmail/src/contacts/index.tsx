/** Contacts: the list with its search, and beside it the one that is looked at or edited. */

import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { mail } from "../data";
import { t } from "../texts";
import { narrow } from "../ui/layout";
import { Icon } from "../ui/pieces/icon";
import type { ContactsProps } from "../ui/slots";
import { Card } from "./card";
import "./contacts.css";
import { Edit } from "./edit";
import { ContactList } from "./list";

/** In the address in place of an id: a contact that is being made. */
export const FRESH = "new";

export default function Contacts({ route }: ContactsProps) {
  const text = useMemo(() => signal(""), []);
  const editing = useMemo(() => signal(false), []);
  const chosen = useMemo(() => signal<ReadonlySet<string>>(new Set()), []);
  const all = mail.contacts.all.value;
  const id = route.contact;
  useEffect(() => {
    editing.value = false;
  }, [id]);
  const contact = all?.find((each) => each.id === id) ?? null;
  const alone = narrow.value && id !== undefined;
  return (
    <div class={alone ? "contacts alone" : "contacts"}>
      <h1 class="aside">{t("contacts.title")}</h1>
      {!alone && <ContactList text={text} chosen={chosen} open={id} />}
      {(!narrow.value || alone) && (
        <section class="contact-room" aria-label={t("contacts.room")}>
          {id === FRESH ? (
            <Edit contact={null} onDone={() => undefined} />
          ) : contact && editing.value ? (
            <Edit key={contact.id} contact={contact} onDone={() => (editing.value = false)} />
          ) : contact ? (
            <Card contact={contact} onEdit={() => (editing.value = true)} />
          ) : (
            <div class="empty">
              <Icon name="contacts" />
              <p>{t(id && all ? "contacts.gone" : "contacts.choose")}</p>
            </div>
          )}
        </section>
      )}
    </div>
  );
}
