/** Conversations to develop and test with: German and English, the same at every start. */

import type { Person } from "../contract";

export interface SampleEmail {
  id: string;
  thread: string;
  mailboxes: string[];
  keywords: string[];
  from: Person;
  to: Person[];
  subject: string;
  received: number;
  text: string;
  html: string | null;
  attachments: { name: string; type: string; size: number; cid: string | null }[];
}

export const ME: Person = { name: "Anna Muster", email: "anna@example.org" };

const PEOPLE: Person[] = [
  { name: "Jürgen Groß", email: "juergen.gross@example.net" },
  { name: "Maria Özdemir", email: "maria@example.com" },
  { name: "Stadtwerke Musterstadt", email: "rechnung@stadtwerke.example" },
  { name: "Tom Baker", email: "tom.baker@example.com" },
  { name: "Zoë O’Neil", email: "zoe@example.net" },
  { name: "Bücherei am Markt", email: "info@buecherei.example" },
  { name: "Newsletter Garten", email: "news@garten.example" },
  { name: "Dr. Hanna Weiß", email: "praxis@weiss.example" },
  { name: "", email: "noreply@shop.example" },
  { name: "Ben Beispiel", email: "ben@example.org" },
];

const SUBJECTS = [
  "Rechnung für Oktober", "Wochenende in den Bergen?", "Minutes of the board meeting", "Ihre Buchung ist bestätigt",
  "Photos from Saturday", "Frage zum Mietvertrag", "Re-scheduling our call", "Fußballtraining fällt aus",
  "Your order has been shipped", "Einladung zum Sommerfest", "Quarterly report, draft 3", "Rezept für Käsespätzle",
  "Störung der Heizung behoben", "Train tickets to Zürich", "Neue Bücher eingetroffen", "Project plan and budget",
];

const SENTENCES = [
  "Vielen Dank für die schnelle Antwort.", "Could you have a look at the attached figures before Friday?",
  "Wir treffen uns um halb acht am Bahnhof.", "The numbers look better than last quarter.",
  "Bitte überweisen Sie den Betrag bis zum Monatsende.", "I have moved the meeting to Thursday at ten.",
  "Die Straße ist wegen Bauarbeiten gesperrt.", "Let me know if that works for you.",
  "Anbei die Unterlagen, wie besprochen.", "Looking forward to seeing you all again.",
  "Der Schlüssel liegt bei den Nachbarn.", "Please don’t forget the cake for Jürgen’s birthday.",
];

/** A small generator of numbers, the same for the same seed (mulberry32). */
export function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function html(lines: string[], remote: boolean): string {
  const image = remote ? '<p><img src="https://pictures.example/offer.png" alt="Angebot" width="320"></p>' : "";
  return `<div style="font-family: sans-serif">${lines.map((line) => `<p>${line}</p>`).join("")}${image}
    <p><a href="https://example.net/more">https://example.org/login</a></p></div>`;
}

/** `conversations` many, newest last, the newest a few minutes before `now`. */
export function sampleMail(conversations: number, now: number): SampleEmail[] {
  const roll = dice(7);
  const pick = <T>(from: readonly T[]): T => from[roll(from.length)] as T;
  const found: SampleEmail[] = [];
  for (let each = 0; each < conversations; each++) {
    const age = (conversations - each) * 3_600_000 * 5;
    const count = roll(4) === 0 ? 2 + roll(5) : 1;
    const partner = pick(PEOPLE);
    const subject = pick(SUBJECTS);
    const place = roll(10);
    const home = place < 6 ? "inbox" : place < 7 ? "junk" : place < 9 ? "archive" : "projects";
    for (let reply = 0; reply < count; reply++) {
      const mine = reply % 2 === 1;
      const lines = Array.from({ length: 2 + roll(5) }, () => pick(SENTENCES));
      const keywords = mine || each < conversations - 12 || roll(3) ? ["$seen"] : [];
      if (roll(12) === 0) keywords.push("$flagged");
      if (!mine && reply < count - 1) keywords.push("$answered");
      found.push({
        id: `m${each}-${reply}`, thread: `t${each}`,
        mailboxes: mine ? ["sent"] : home === "inbox" && roll(6) === 0 ? ["inbox", pick(["family", "projects"])] : [home],
        keywords,
        from: mine ? ME : partner, to: [mine ? partner : ME],
        subject: (reply ? "Re: " : "") + subject,
        received: now - age + reply * 1_800_000 - 300_000,
        text: `Hallo,\n\n${lines.join("\n")}\n\nGrüße\n`,
        html: roll(3) ? html(lines, roll(3) === 0) : null,
        attachments: roll(6) ? [] : [
          { name: "Rechnung Oktober.pdf", type: "application/pdf", size: 84_213, cid: null },
          { name: "photo.jpg", type: "image/jpeg", size: 1_204_112, cid: null },
        ].slice(0, 1 + roll(2)),
      });
    }
  }
  return found;
}

export const SAMPLE_MAILBOXES: { id: string; name: string; role: string | null; parent: string | null }[] = [
  { id: "inbox", name: "Inbox", role: "inbox", parent: null },
  { id: "drafts", name: "Drafts", role: "drafts", parent: null },
  { id: "sent", name: "Sent", role: "sent", parent: null },
  { id: "snoozed", name: "Snoozed", role: "snoozed", parent: null },
  { id: "archive", name: "Archive", role: "archive", parent: null },
  { id: "junk", name: "Junk", role: "junk", parent: null },
  { id: "trash", name: "Trash", role: "trash", parent: null },
  { id: "family", name: "Familie", role: null, parent: null },
  { id: "projects", name: "Projekte", role: null, parent: null },
  { id: "house", name: "Hausbau", role: null, parent: "projects" },
];

export const SAMPLE_CONTACTS: Person[] = PEOPLE.filter((each) => each.name);
