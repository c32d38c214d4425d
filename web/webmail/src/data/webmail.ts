/** `Webmail` as it is: sign-in first, then all of one account; the same objects for the interface throughout. */

import { computed, effect, signal, untracked } from "@preact/signals";
import { Access, browserPage, type Page } from "./access";
import type { Behind } from "./behind";
import type { Connection, ContactPort, DevicePort, DraftPort, Id, Live, Outcome, SignIn, ThreadView, Webmail } from "./contract";
import { DEFAULT_SETTINGS } from "./contract";
import { Device, forgetOthers } from "./database";
import { Engine } from "./engine";
import { outcome, problem, problemOf } from "./failures";
import { fold } from "./search/fold";
import { browser, type World } from "./world";

export interface Shell {
  readonly newer: Live<boolean>;
  update(): void;
  readonly notifications: DevicePort["notifications"];
  notify(on: boolean): Promise<Outcome>;
}

const NO_SHELL: Shell = {
  newer: signal(false), update: () => undefined, notifications: signal("unsupported" as const),
  notify: () => Promise.resolve({ ok: false, problem: problem("forbidden", "unchanged") }),
};

type Method = (...args: unknown[]) => unknown;
const call = (port: object, name: string | symbol): Method => (...args) => (port as Record<string | symbol, Method>)[name]!(...args);

/** A port of whoever there is now. */
function once<From extends object, T extends object>(
  now: () => From | null, pick: (from: From) => T, lives: Partial<T>, { missing }: { missing: (name: string | symbol) => Method },
): T {
  const ports = new WeakMap<From, T>();
  return new Proxy({} as T, {
    get: (_, name) => {
      if (name in lives) return lives[name as keyof T];
      return (...args: unknown[]) => {
        const from = now();
        if (!from) return missing(name)(...args);
        let port = ports.get(from);
        if (!port) ports.set(from, (port = pick(from)));
        return call(port, name)(...args);
      };
    },
  });
}

export function webmail(world: World = browser(), page: Page = browserPage, shell: Shell = NO_SHELL): Webmail & { end(): void } {
  const engine = signal<Engine | null>(null);
  const access = signal<Access | null>(null);
  const failed = signal<SignIn | null>(null);

  const start = async () => {
    const device = await Device.open();
    const made = new Access(world, device, page);
    access.value = made;
    await made.start();
    if (made.signIn.value.state !== "in") return;
    engine.value = await Engine.open(world, made, device);
    await forgetOthers(made.account());
  };
  start().catch((error: unknown) => {
    // Without a database there is no mail on this device: private windows of some browsers, a full disk.
    failed.value = { state: "out", why: "new", address: null, problem: problemOf(error, "unchanged") };
  });

  const signIn = computed<SignIn>(() => {
    if (failed.value) return failed.value;
    const now: SignIn = access.value?.signIn.value ?? { state: "unknown" };
    return now.state === "in" && !engine.value ? { state: "unknown" } : now;
  });

  const signOut = () => outcome("unchanged", async () => {
    const had = engine.value;
    engine.value = null;
    await had?.forget();
    await access.value?.leave();
  });

  const live = <T>(pick: (from: Engine) => Live<T>, otherwise: T): Live<T> =>
    computed(() => (engine.value ? pick(engine.value).value : otherwise));
  const behind = computed(() => engine.value?.behind.value ?? null);
  const liveBehind = <T>(pick: (from: Behind) => Live<T>, otherwise: T): Live<T> =>
    computed(() => (behind.value ? pick(behind.value).value : otherwise));

  effect(() => void (behind.value && (behind.value.push.wanted.value = shell.notifications.value === "on")));

  /** The methods of a port, once there is an account; its signals at once. */
  const late = <T extends object>(pick: (from: Engine) => T, lives: Partial<T>): T => once(() => engine.value, pick, lives, {
    missing: () => () => Promise.resolve({ ok: false, problem: problem("sign-in", "unchanged") }),
  });

  /** The same of what is fetched behind the first view. `atOnce`: what methods answer before, that can't be waited for. */
  const lateBehind = <T extends object>(pick: (from: Behind) => T, lives: Partial<T>, atOnce: Partial<T> = {}): T => once(() => behind.value, pick, lives, {
    missing: (name) => (name in atOnce ? call(atOnce, name) : async (...args) => {
      const now = engine.value;
      return now ? call(pick(await now.whenBehind()), name)(...args) : { ok: false, problem: problem("sign-in", "unchanged") };
    }),
  });
  const idle = { phase: "idle" as const, done: 0, total: 0, upToDate: null };
  const settings = late((from) => from.settings.port(), { now: live((from) => from.settings.now, DEFAULT_SETTINGS) });

  return {
    session: {
      signIn,
      goSignIn: async (address) => access.value?.goSignIn(address) ?? { ok: false, problem: problem("unknown", "unchanged") },
      signOut,
      links: computed(() => access.value?.links.value ?? { product: "", accounts: "", signup: "", status: "" }),
    },
    connection: late((from) => from.connection.port(), {
      now: live<Connection>((from) => from.connection.now, { state: "online" }),
      trying: live((from) => from.connection.trying, { busy: false, next: null }),
      sync: live((from) => from.connection.sync, idle),
    }),
    mailboxes: late((from) => from.mailboxes.port(), { all: live((from) => from.mailboxes.all, null) }),
    lists: late((from) => from.lists, {}),
    threads: lateBehind((from) => from.threads.port(), {}, { open: (thread) => soon(thread, behind) }),
    actions: lateBehind((from) => from.actions.port(), { last: liveBehind((from) => from.actions.last, null) }),
    drafts: lateBehind<DraftPort>((from) => from.drafts.port(), { here: liveBehind((from) => from.drafts.here, []) }, {
      watch: (draft) => computed(() => behind.value?.drafts.watch(draft).value ?? null),
    }),
    outbox: late((from) => from.outbox.port(), {
      entries: live((from) => from.outbox.entries, []), waiting: live((from) => from.outbox.waiting, 0),
    }),
    contacts: lateBehind<ContactPort>((from) => from.contacts.port(), { all: liveBehind((from) => from.contacts.all, null) }, {
      suggest: () => [], find: () => [], byAddress: () => null,
    }),
    identities: late((from) => from.identities, { all: live((from) => from.identities.all, null) }),
    settings,
    search: lateBehind((from) => from.searching.port(
      () => settings.now.value.conversations,
      (text) => from.contacts.suggest(text).flatMap((each) => each.people.map((one) => one.email)),
    ), {}, { parse: (text) => ({ text, pieces: [], marks: [] }), complete: () => [], fold }),
    device: lateBehind<DevicePort>((from) => ({ clear: () => from.storage.clear() }) as DevicePort, {
      state: liveBehind((from) => from.storage.state, { used: 0, quota: null, persisted: false, emails: 0, bodies: 0, bodiesSince: null, full: false }),
      mailbox: live((from) => from.quota, null), newer: shell.newer, update: () => shell.update(), notifications: shell.notifications,
      notify: (on) => shell.notify(on), push: liveBehind((from) => from.push.state, "off"),
    }),
    arrival: live((from) => from.arrival, null),
    problems: live((from) => from.problems, []),
    seen: (id) => engine.value?.seen(id),
    end: () => engine.value?.end(),
  };
}

/** A conversation that was opened before there was anybody to read it. */
function soon(thread: Id, behind: Live<Behind | null>): ThreadView {
  const view = computed(() => {
    const had = behind.value;
    return had && untracked(() => had.threads.open(thread));
  });
  return {
    id: thread, messages: computed(() => view.value?.messages.value ?? null), problem: computed(() => view.value?.problem.value ?? null),
    need: (email) => view.value?.need(email), close: () => view.value?.close(),
  };
}
