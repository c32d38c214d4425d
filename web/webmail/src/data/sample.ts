/** All of `Webmail` in memory, for developing and testing the interface: `npm run dev -- --mode sample`.
 *
 * Nothing waits and nothing is kept. `trouble` and `signedOut` show what is rare. Sent mail goes to Sent.
 */

import { computed, signal, type Signal } from "@preact/signals";
import {
  DEFAULT_SETTINGS,
  type ActionName, type Connection, type Contact, type Done, type Draft, type DraftAttachment, type DraftState,
  type Id, type Identity, type ListQuery, type ListView, type Mailbox, type MailList, type Message, type Millis,
  type Outcome, type OutboxEntry, type Problem, type Role, type Row, type Settings, type SignIn, type Webmail,
} from "./contract";
import { ME, SAMPLE_CONTACTS, SAMPLE_MAILBOXES, sampleMail, type SampleEmail } from "./sample/content";

export interface SampleOptions {
  conversations?: number;
  now?: Millis;
  signedOut?: boolean;
  connection?: Connection;
  /** Bodies aren't on the device. */
  bodiless?: boolean;
}

const ok = <T>(value: T): Outcome<T> => ({ ok: true, value });
const no = <T>(what: Problem["what"], safe: Problem["safe"] = "unchanged"): Outcome<T> =>
  ({ ok: false, problem: { what, safe, remedy: "none" } });
const fold = (text: string) => text.toLowerCase().replace(/ß/g, "ss").normalize("NFD").replace(/\p{M}/gu, "");

export interface Sample extends Webmail {
  /** For tests: what the real one notices by itself. */
  readonly set: {
    connection(now: Connection): void;
    signIn(now: SignIn): void;
    arrive(email: Partial<SampleEmail>): void;
    outbox(entries: OutboxEntry[]): void;
    problem(problem: Problem): void;
    mail(change: (all: SampleEmail[]) => SampleEmail[]): void;
  };
}

export function sample(options: SampleOptions = {}): Sample {
  const now = options.now ?? Date.now();
  const store = signal<SampleEmail[]>(sampleMail(options.conversations ?? 300, now));
  const boxes = signal(SAMPLE_MAILBOXES);
  const snoozed = signal<Record<Id, Millis>>({});
  let numbers = 0;
  const next = (): Id => `local-${++numbers}`;

  const has = (email: SampleEmail, word: string) => email.keywords.includes(word);
  const hidden = (email: SampleEmail) => email.mailboxes.some((each) => each === "trash" || each === "junk");

  // mailboxes
  const mailboxes = computed<Mailbox[]>(() => {
    const found: Mailbox[] = [];
    const walk = (parent: Id | null, path: string[]) => {
      for (const box of boxes.value.filter((each) => each.parent === parent)) {
        const mail = store.value.filter((each) => each.mailboxes.includes(box.id));
        const fresh = mail.filter((each) => !has(each, "$seen"));
        const threads = (of: SampleEmail[]) => new Set(of.map((each) => each.thread)).size;
        found.push({
          id: box.id, name: box.name, role: box.role as Role | null, parent, depth: path.length,
          path: [...path, box.name], total: mail.length, unread: fresh.length,
          totalThreads: threads(mail), unreadThreads: threads(fresh), pending: false,
          may: { add: true, remove: true, rename: !box.role, delete: !box.role, nest: true },
        });
        walk(box.id, [...path, box.name]);
      }
    };
    walk(null, []);
    return found;
  });
  const role = (wanted: Role) => mailboxes.value.find((each) => each.role === wanted) ?? null;

  // lists
  const row = (key: Id, emails: SampleEmail[], own: Id | null): Row => {
    const newest = emails[emails.length - 1]!;
    const people = new Map<string, Row["people"][number]>();
    for (const email of emails) {
      for (const who of own === "sent" || own === "drafts" ? email.to : [email.from]) {
        people.set(who.email, { ...who, me: who.email === ME.email, unread: !has(email, "$seen") });
      }
    }
    const all = [...new Set(emails.flatMap((each) => each.mailboxes))];
    return {
      key, thread: newest.thread, emails: emails.map((each) => each.id), people: [...people.values()],
      subject: emails[0]!.subject, preview: newest.text.replace(/\s+/g, " ").slice(0, 140), date: newest.received,
      count: emails.length, unread: emails.some((each) => !has(each, "$seen")),
      starred: emails.some((each) => has(each, "$flagged")), attachments: emails.some((each) => each.attachments.length > 0),
      draft: emails.some((each) => has(each, "$draft")), answered: has(newest, "$answered"),
      forwarded: has(newest, "$forwarded"), mailboxes: all,
      labels: all.filter((id) => id !== own && !boxes.value.find((each) => each.id === id)?.role),
      snoozedUntil: emails.map((each) => snoozed.value[each.id]).find((each) => each) ?? null, pending: false,
    };
  };

  const rowsOf = (query: ListQuery): Row[] => {
    const where = query.in;
    const own = "mailbox" in where ? where.mailbox ?? null : null;
    const words = "search" in where ? fold(where.search).split(/\s+/).filter(Boolean) : [];
    const fits = (email: SampleEmail): boolean => {
      if (own ? !email.mailboxes.includes(own) : hidden(email)) return false;
      if (query.unreadOnly && has(email, "$seen")) return false;
      if ("special" in where) return where.special === "starred" ? has(email, "$flagged") : !has(email, "$seen");
      const text = fold(`${email.subject} ${email.from.name} ${email.from.email} ${email.text}`);
      return words.every((word) => text.includes(word));
    };
    const hits = store.value.filter(fits);
    const groups = new Map<Id, SampleEmail[]>();
    for (const hit of hits) groups.set(query.conversations ? hit.thread : hit.id, [hit]);
    if (query.conversations) {
      const shown = own === "trash" || own === "junk" ? hits : store.value.filter((each) => !hidden(each));
      for (const key of groups.keys()) groups.set(key, shown.filter((each) => each.thread === key));
    }
    const rows = [...groups].map(([key, emails]) => row(key, emails, own));
    rows.sort((a, b) => (query.order === "oldest" ? a.date - b.date : b.date - a.date));
    return rows;
  };

  const open = (query: ListQuery): MailList => {
    const range = signal<[number, number]>([0, 30]);
    const rows = computed(() => rowsOf(query));
    const view = computed<ListView>(() => ({
      length: rows.value.length, first: range.value[0], rows: rows.value.slice(...range.value),
      from: connection.value.state === "online" ? "server" : "device", complete: connection.value.state === "online",
      busy: false, problem: null,
      marks: "search" in query.in ? fold(query.in.search).split(/\s+/).filter(Boolean) : [],
    }));
    return {
      query, view,
      show: (first, last) => void (range.value = [Math.max(0, first), last]),
      row: (index) => rows.value[index] ?? null,
      indexOf: (key) => rows.value.findIndex((each) => each.key === key),
      beside: (key, step) => {
        const index = rows.value.findIndex((each) => each.key === key);
        return Promise.resolve(index < 0 ? null : rows.value[index + step] ?? null);
      },
      everything: () => Promise.resolve(ok(rows.value.flatMap((each) => each.emails))),
      refresh: () => undefined, close: () => undefined,
    };
  };

  // messages
  const message = (email: SampleEmail): Message => ({
    id: email.id, thread: email.thread, mailboxes: email.mailboxes, from: [email.from], to: email.to, cc: [], bcc: [],
    replyTo: [], subject: email.subject, sent: email.received - 2_000, received: email.received,
    size: email.text.length + 900, preview: email.text.slice(0, 140), unread: !has(email, "$seen"),
    starred: has(email, "$flagged"), draft: has(email, "$draft"), answered: has(email, "$answered"),
    forwarded: has(email, "$forwarded"), suspicious: email.mailboxes.includes("junk"),
    snoozedUntil: snoozed.value[email.id] ?? null, messageId: [`${email.id}@example.org`], inReplyTo: [], references: [],
    unsubscribe: email.from.email.startsWith("news@") ? { mailto: null, url: "https://garten.example/off", oneClick: true } : null,
    attachments: email.attachments.map((each, index) =>
      ({ ...each, part: String(index + 2), blob: `${email.id}-${index}`, inline: each.cid !== null, here: true })),
    body: options.bodiless
      ? { state: "missing", problem: { what: "not-here", safe: "unchanged", remedy: "wait" } }
      : { state: "here", html: email.html, text: email.text, cut: false },
    pending: false,
  });

  // actions
  const last = signal<Done | null>(null);
  const undos = new Map<number, { store: SampleEmail[]; snoozed: Record<Id, Millis> }>();
  let count = 0;
  const change = (action: ActionName, emails: Id[], mailbox: Id | null, until: Millis | null,
    each: (email: SampleEmail) => Partial<SampleEmail> | null): Promise<Outcome<Done>> => {
    const before = { store: store.value, snoozed: snoozed.value };
    const wanted = new Set(emails);
    const touched = new Set<Id>();
    store.value = store.value.flatMap((email) => {
      if (!wanted.has(email.id)) return [email];
      touched.add(email.thread);
      const patch = each(email);
      return patch ? [{ ...email, ...patch }] : [];
    });
    const done: Done = { number: ++count, action, emails, threads: touched.size, mailbox, until, undoable: action !== "destroy" };
    undos.set(done.number, before);
    if (done.undoable) last.value = done;
    return Promise.resolve(ok(done));
  };
  const put = (email: SampleEmail, from: Id | null, to: Id): Partial<SampleEmail> => {
    const stays = from ? !email.mailboxes.includes(from) : email.mailboxes.some((each) => each === "sent" || each === "drafts");
    return stays ? {} : { mailboxes: [...new Set([...email.mailboxes.filter((each) => from && each !== from), to])] };
  };
  const keyword = (word: string, on: boolean) => (email: SampleEmail): Partial<SampleEmail> =>
    ({ keywords: on ? [...new Set([...email.keywords, word])] : email.keywords.filter((each) => each !== word) });

  const signIn = signal<SignIn>(options.signedOut
    ? { state: "out", why: "new", address: null, problem: null }
    : {
        state: "in", renew: false,
        account: {
          id: "a1", address: ME.email, name: ME.name,
          limits: { attachment: 25_000_000, message: 35_000_000, delayedSend: 365 * 86_400_000 },
          can: { send: true, sendLater: true, snooze: true, contacts: true, settings: true, push: false },
        },
      });
  const connection = signal<Connection>(options.connection ?? { state: "online" });
  const trying = signal({ busy: false, next: null as Millis | null });

  // drafts and outbox
  const drafts = signal<Record<Id, DraftState>>({});
  const files = new Map<Id, Blob>();
  const shown = signal<Id[]>([]);
  const entries = signal<OutboxEntry[]>([]);
  const keep = (draft: Draft) => {
    drafts.value = { ...drafts.value, [draft.id]: { draft, saved: "server", savedAt: Date.now(), conflict: null, problem: null } };
    return draft;
  };
  const blank = (): Draft => ({
    id: next(), identity: "i1", to: [], cc: [], bcc: [], replyTo: [], subject: "", format: settings.value.format,
    html: "", text: "", about: null, attachments: [],
  });
  const attachments = (id: Id, change: (all: DraftAttachment[]) => DraftAttachment[]): boolean => {
    const state = drafts.value[id];
    if (state) keep({ ...state.draft, attachments: change(state.draft.attachments) });
    return !!state;
  };

  const settings = signal<Settings>({ ...DEFAULT_SETTINGS });
  const identities = signal<Identity[]>([{
    id: "i1", name: ME.name, email: ME.email, replyTo: [], bcc: [], textSignature: "Anna Muster\nMusterstadt",
    htmlSignature: "<p>Anna Muster<br>Musterstadt</p>", mayDelete: false, pending: false,
  }, {
    id: "i2", name: "Verein", email: "verein@example.org", replyTo: [], bcc: [], textSignature: "", htmlSignature: "",
    mayDelete: true, pending: false,
  }]);
  const contacts = signal<Contact[]>(SAMPLE_CONTACTS.map((each, index) => ({
    id: `c${index}`, kind: "person", name: each.name, given: each.name.split(" ")[0] ?? "",
    surname: each.name.split(" ").slice(1).join(" "), nickname: "", organization: "", title: "",
    emails: [{ address: each.email, label: "private" }], phones: [], addresses: [], birthday: "", note: "", members: [], pending: false,
  })));
  const sorted = computed(() => [...contacts.value].sort((a, b) => a.name.localeCompare(b.name, "de")));
  const arrival = signal<Webmail["arrival"]["value"]>(null);
  const problems = signal<{ id: Id; problem: Problem; entry: Id | null }[]>([]);
  const edit = <T extends { id: Id }>(list: Signal<T[]>, id: Id, patch: Partial<NoInfer<T>>): Promise<Outcome> => {
    list.value = list.value.map((each) => (each.id === id ? { ...each, ...patch } : each));
    return Promise.resolve(ok(undefined));
  };
  const find = (text: string) => sorted.value.filter((each) =>
    fold(`${each.name} ${each.emails.map((mail) => mail.address).join(" ")}`).includes(fold(text)));

  const mail: Sample = {
    session: {
      signIn,
      goSignIn: () => { location.reload(); return Promise.resolve(ok(undefined)); },
      signOut: () => {
        signIn.value = { state: "out", why: "signed-out", address: ME.email, problem: null };
        return Promise.resolve(ok(undefined));
      },
      links: signal({ product: "Holdfast", accounts: "https://localhost:8443", signup: "https://localhost:8444", status: "" }),
    },
    connection: {
      now: connection, trying, retry: () => void (connection.value = { state: "online" }),
      sync: signal({ phase: "idle" as const, done: 0, total: 0, upToDate: now }),
    },
    mailboxes: {
      all: mailboxes, byRole: role, byId: (id) => mailboxes.value.find((each) => each.id === id) ?? null,
      create: (name, parent = null) => {
        const id = next();
        boxes.value = [...boxes.value, { id, name, role: null, parent }];
        return Promise.resolve(ok(id));
      },
      rename: (id, name) => edit(boxes, id, { name }),
      nest: (id, parent) => edit(boxes, id, { parent }),
      remove: (id) => { boxes.value = boxes.value.filter((each) => each.id !== id); return Promise.resolve(ok(undefined)); },
      empty: (id) => {
        const before = store.value.length;
        store.value = store.value.filter((each) => !each.mailboxes.includes(id));
        return Promise.resolve(ok(before - store.value.length));
      },
    },
    lists: { open },
    threads: {
      open: (thread) => ({
        id: thread,
        messages: computed(() => store.value.filter((each) => each.thread === thread).map(message)),
        problem: signal(null), need: () => undefined, close: () => undefined,
      }),
      message: (id) => {
        const found = store.value.find((each) => each.id === id);
        return Promise.resolve(found ? ok(message(found)) : no("gone"));
      },
      attachment: () => Promise.resolve(ok(new Blob(["sample"]))),
      source: (id) => Promise.resolve(ok(new Blob([`Subject: sample ${id}\r\n\r\nSample\r\n`]))),
    },
    actions: {
      archive: (emails, from) => change("archive", emails, "archive", null, (each) => put(each, from, "archive")),
      move: (emails, from, to) => change("move", emails, to, null, (each) => put(each, from, to)),
      label: (emails, box) => change("label", emails, box, null, (each) => ({ mailboxes: [...new Set([...each.mailboxes, box])] })),
      unlabel: (emails, box) => change("unlabel", emails, box, null, (each) => ({ mailboxes: each.mailboxes.filter((one) => one !== box) })),
      trash: (emails) => change("trash", emails, "trash", null, () => ({ mailboxes: ["trash"] })),
      destroy: (emails) => change("destroy", emails, null, null, () => null),
      junk: (emails, from) => change("junk", emails, "junk", null, (each) => put(each, from, "junk")),
      notJunk: (emails) => change("notJunk", emails, "inbox", null, () => ({ mailboxes: ["inbox"] })),
      read: (emails) => change("read", emails, null, null, keyword("$seen", true)),
      unread: (emails) => change("unread", emails, null, null, keyword("$seen", false)),
      star: (emails) => change("star", emails, null, null, keyword("$flagged", true)),
      unstar: (emails) => change("unstar", emails, null, null, keyword("$flagged", false)),
      snooze: (emails, from, until) => {
        const done = change("snooze", emails, "snoozed", until, (each) => put(each, from, "snoozed"));
        snoozed.value = { ...snoozed.value, ...Object.fromEntries(emails.map((each) => [each, until])) };
        return done;
      },
      unsnooze: (emails) => change("unsnooze", emails, "inbox", null, () => ({ mailboxes: ["inbox"] })),
      last,
      undo: (number = last.value?.number ?? 0) => {
        const before = undos.get(number);
        if (!before) return Promise.resolve(no("gone"));
        store.value = before.store;
        snoozed.value = before.snoozed;
        last.value = null;
        return Promise.resolve(ok(undefined));
      },
    },
    drafts: {
      here: computed(() => shown.value.map((id) => drafts.value[id]?.draft).filter((each): each is Draft => !!each)),
      create: (fill) => {
        const draft = keep({ ...blank(), ...fill });
        shown.value = [...shown.value, draft.id];
        return Promise.resolve(ok(draft));
      },
      edit: (id) => {
        const found = store.value.find((each) => each.id === id);
        if (!found) return Promise.resolve(no("gone"));
        return Promise.resolve(ok(keep({ ...blank(), to: found.to, subject: found.subject, text: found.text, html: found.html ?? "" })));
      },
      attachFrom: (id, email) => {
        const from = store.value.find((each) => each.id === email);
        const added = (from?.attachments ?? []).map((each): DraftAttachment =>
          ({ id: next(), name: each.name, type: each.type, size: each.size, cid: each.cid, progress: 1, state: "ready", problem: null }));
        return Promise.resolve(attachments(id, (all) => [...all, ...added]) ? ok(undefined) : no("gone"));
      },
      watch: (id) => computed(() => drafts.value[id] ?? null),
      save: (draft) => {
        const held = drafts.value[draft.id];
        keep({ ...draft, attachments: held?.draft.attachments ?? draft.attachments });
        return Promise.resolve(ok(undefined));
      },
      attach: (id, file, name, inline = false) => {
        const added: DraftAttachment = {
          id: next(), name, type: file.type || "application/octet-stream", size: file.size,
          cid: inline ? `${next()}@example.org` : null, progress: 1, state: "ready", problem: null,
        };
        files.set(added.id, file);
        return Promise.resolve(attachments(id, (all) => [...all, added]) ? ok(added) : no("gone"));
      },
      detach: (id, attachment) =>
        Promise.resolve(attachments(id, (all) => all.filter((each) => each.id !== attachment)) ? ok(undefined) : no("gone")),
      bytes: (_, attachment) => Promise.resolve(files.has(attachment) ? ok(files.get(attachment)!) : no("gone")),
      discard: (id) => { shown.value = shown.value.filter((each) => each !== id); return Promise.resolve(ok(undefined)); },
      restore: (id) => {
        const held = drafts.value[id];
        if (held) shown.value = [...shown.value, id];
        return Promise.resolve(held ? ok(held.draft) : no("gone"));
      },
      put: (id) => { shown.value = shown.value.filter((each) => each !== id); return Promise.resolve(ok(undefined)); },
      send: (id, at) => {
        const held = drafts.value[id]?.draft;
        if (!held) return Promise.resolve(no("gone"));
        if (!held.to.length && !held.cc.length && !held.bcc.length) return Promise.resolve(no("recipient"));
        const entry: OutboxEntry = {
          id: next(), kind: "send", action: null, draft: id, subject: held.subject, to: [...held.to, ...held.cc, ...held.bcc],
          count: 1, made: Date.now(), state: connection.value.state === "online" ? "held" : "waiting",
          at: at ?? Date.now() + settings.value.undoSeconds * 1000, problem: null, tries: 1,
        };
        entries.value = [...entries.value, entry];
        shown.value = shown.value.filter((each) => each !== id);
        if (entry.state === "held" && !at) setTimeout(() => sent(entry.id), settings.value.undoSeconds * 1000);
        return Promise.resolve(ok(entry));
      },
    },
    outbox: {
      entries, waiting: computed(() => entries.value.filter((each) => each.state === "waiting").length),
      undo: (id) => {
        const entry = entries.value.find((each) => each.id === id);
        const draft = entry?.draft ? drafts.value[entry.draft]?.draft : undefined;
        if (!entry || !draft || entry.state === "sent") return Promise.resolve(no("gone"));
        entries.value = entries.value.filter((each) => each.id !== id);
        shown.value = [...shown.value, draft.id];
        return Promise.resolve(ok(draft));
      },
      sendNow: (id) => { sent(id); return Promise.resolve(ok(undefined)); },
      retry: (id) => edit(entries, id, { state: "waiting", problem: null }),
      dismiss: (id) => { entries.value = entries.value.filter((each) => each.id !== id); return Promise.resolve(ok(undefined)); },
    },
    contacts: {
      all: sorted,
      suggest: (text, limit = 8) => find(text).slice(0, limit).flatMap((each) => each.emails.map((one) =>
        ({ people: [{ name: each.name, email: one.address }], label: `${each.name} <${one.address}>`, contact: each.id }))),
      find, byAddress: (email) => contacts.value.find((each) => each.emails.some((one) => one.address === email)) ?? null,
      create: (contact) => {
        const id = next();
        contacts.value = [...contacts.value, { ...contact, id, pending: false }];
        return Promise.resolve(ok(id));
      },
      update: (id, patch) => edit(contacts, id, patch),
      remove: (ids) => { contacts.value = contacts.value.filter((each) => !ids.includes(each.id)); return Promise.resolve(ok(undefined)); },
    },
    identities: {
      all: identities,
      create: (identity) => {
        const id = next();
        identities.value = [...identities.value, { ...identity, id, mayDelete: true, pending: false }];
        return Promise.resolve(ok(id));
      },
      update: (id, patch) => edit(identities, id, patch),
      remove: (id) => { identities.value = identities.value.filter((each) => each.id !== id); return Promise.resolve(ok(undefined)); },
    },
    settings: { now: settings, set: (patch) => { settings.value = { ...settings.value, ...patch }; return Promise.resolve(ok(undefined)); } },
    search: {
      parse: (text) => ({
        text, marks: fold(text).split(/\s+/).filter((each) => each && !each.includes(":")),
        pieces: [...text.matchAll(/(-?)(?:(\w+):)?(\S+)/g)].map((each) => ({
          operator: each[2] ?? "", value: each[3]!, not: each[1] === "-", start: each.index, end: each.index + each[0].length, wrong: false,
        })),
      }),
      complete: (text, cursor) => ["from:", "to:", "subject:", "has:attachment", "is:unread", "in:"]
        .filter((each) => each.startsWith(text.slice(0, cursor).split(" ").pop() ?? ""))
        .map((each) => ({ insert: each, start: cursor - (text.slice(0, cursor).split(" ").pop() ?? "").length, end: cursor, hint: "" })),
      quick: (text, limit) => Promise.resolve(rowsOf({ in: { search: text }, conversations: settings.value.conversations }).slice(0, limit)),
      fold,
    },
    device: {
      state: signal({ used: 42_000_000, quota: 2_000_000_000, persisted: true, emails: 430, bodies: 430, bodiesSince: now - 30 * 86_400_000, full: false }),
      clear: () => Promise.resolve(ok(undefined)), mailbox: signal({ used: 1_200_000_000, limit: 5_000_000_000 }),
      newer: signal(false), update: () => location.reload(), notifications: signal("off" as const),
      notify: () => Promise.resolve(ok(undefined)), push: signal("off" as const),
    },
    arrival, problems, seen: (id) => void (problems.value = problems.value.filter((each) => each.id !== id)),
    set: {
      connection: (value) => void (connection.value = value),
      signIn: (value) => void (signIn.value = value),
      arrive: (email) => {
        const id = next();
        const made: SampleEmail = {
          id, thread: `t-${id}`, mailboxes: ["inbox"], keywords: [], from: SAMPLE_CONTACTS[0]!, to: [ME], subject: "Neu",
          received: Date.now(), text: "Neu", html: null, attachments: [], ...email,
        };
        store.value = [...store.value, made];
        arrival.value = { count: 1, first: row(made.thread, [made], "inbox") };
      },
      outbox: (value) => void (entries.value = value),
      problem: (problem) => void (problems.value = [...problems.value, { id: next(), problem, entry: null }]),
      mail: (edit) => void (store.value = edit(store.value)),
    },
  };

  const sent = (id: Id) => {
    const entry = entries.value.find((each) => each.id === id);
    const draft = entry?.draft ? drafts.value[entry.draft]?.draft : undefined;
    if (!entry || !draft) return;
    void edit(entries, id, { state: "sent" });
    store.value = [...store.value, {
      id: next(), thread: `t-${id}`, mailboxes: ["sent"], keywords: ["$seen"], from: ME, to: draft.to, subject: draft.subject,
      received: Date.now(), text: draft.text || draft.html.replace(/<[^>]*>/g, " "), html: draft.html || null, attachments: [],
    }];
  };
  return mail;
}
