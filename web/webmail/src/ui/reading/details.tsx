/** The headers that matter, written out. */

import { mail, type Message, type Person } from "../../data";
import { t } from "../../texts";
import { fullDate, size } from "../../texts/dates";
import { mailboxName } from "../names";
import { Icon } from "../pieces/icon";
import { compose } from "../router";

export function Details({ message }: { message: Message }) {
  const boxes = message.mailboxes.map((id) => mail.mailboxes.byId(id)).filter((each) => each !== null);
  return (
    <dl class="details">
      <Persons name={t("details.from")} persons={message.from} />
      <Persons name={t("details.replyTo")} persons={message.replyTo} />
      <Persons name={t("details.to")} persons={message.to} />
      <Persons name={t("details.cc")} persons={message.cc} />
      <Persons name={t("details.bcc")} persons={message.bcc} />
      {message.sent !== null && <Line name={t("details.sent")} text={fullDate(message.sent)} />}
      <Line name={t("details.received")} text={fullDate(message.received)} />
      <Line name={t("details.subject")} text={message.subject || t("subject.none")} />
      <Line name={t("details.mailboxes")} text={boxes.map(mailboxName).join(", ")} />
      <Line name={t("details.size")} text={size(message.size)} />
      <Line name={t("details.messageId")} text={message.messageId.join(" ")} />
    </dl>
  );
}

function Line({ name, text }: { name: string; text: string }) {
  if (!text) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </div>
  );
}

function Persons({ name, persons }: { name: string; persons: Person[] }) {
  if (persons.length === 0) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {persons.map((each) => (
          <span key={each.email}>
            <button
              type="button"
              class="person"
              title={t("details.write", { address: each.email })}
              onClick={() => compose("new", undefined, { to: each.email })}
            >
              {each.name && <span>{each.name} </span>}
              <span class="soft">{each.email}</span>
            </button>
            <AddContact person={each} />
          </span>
        ))}
      </dd>
    </div>
  );
}

/** For somebody who isn't a contact yet, where there are contacts. */
function AddContact({ person }: { person: Person }) {
  const session = mail.session.signIn.value;
  const known = (mail.contacts.all.value ?? []).length > 0 && mail.contacts.byAddress(person.email) !== null;
  if (session.state !== "in" || !session.account.can.contacts || known || !person.email) return null;
  return (
    <button
      type="button"
      class="tool"
      aria-label={t("contacts.addOf", { address: person.email })}
      title={t("contacts.addOf", { address: person.email })}
      onClick={() => void import("../../contacts/acts").then((acts) => acts.addContact(person))}
    >
      <Icon name="plus" />
    </button>
  );
}
