/** The small types that are had whole, and how each is asked for. */

import { CONTACTS, MAIL, QUOTA, SUBMISSION, WEBMAIL } from "../jmap/types";

export interface Whole {
  type: string;
  capability: string;
  /** More than a /get may ask for at once: their ids are queried first. */
  many: boolean;
}

export const WHOLE: Whole[] = [
  { type: "Mailbox", capability: MAIL, many: false },
  { type: "Identity", capability: SUBMISSION, many: false },
  { type: "Settings", capability: WEBMAIL, many: false },
  { type: "Snooze", capability: WEBMAIL, many: false },
  { type: "Quota", capability: QUOTA, many: false },
  { type: "AddressBook", capability: CONTACTS, many: false },
  { type: "ContactCard", capability: CONTACTS, many: true },
];
