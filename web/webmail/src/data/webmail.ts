/** `Webmail` as it is: sign-in first, then all of one account; the same objects for the interface throughout. */

import { computed, effect, signal } from "@preact/signals";
import { Access, browserPage, type Page } from "./access";
import type { Connection, DevicePort, Live, Outcome, SignIn, Webmail } from "./contract";
import { DEFAULT_SETTINGS } from "./contract";
import { Device, forgetOthers } from "./database";
import { Engine } from "./engine";
import { outcome, problem, problemOf } from "./failures";
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
  effect(() => void (engine.value && (engine.value.push.wanted.value = shell.notifications.value === "on")));
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

  /** The methods of a port, once there is an account; its signals at once. */
  const late = <T extends object>(pick: (from: Engine) => T, lives: Partial<T>): T => {
    const ports = new WeakMap<Engine, T>();
    return new Proxy({} as T, {
      get: (_, name) => {
        if (name in lives) return lives[name as keyof T];
        return (...args: unknown[]) => {
          const now = engine.value;
          if (!now) return Promise.resolve({ ok: false, problem: problem("sign-in", "unchanged") });
          let port = ports.get(now);
          if (!port) ports.set(now, (port = pick(now)));
          return (port as Record<string | symbol, (...all: unknown[]) => unknown>)[name]!(...args);
        };
      },
    });
  };
  const idle = { phase: "idle" as const, done: 0, total: 0, upToDate: null };

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
    threads: late((from) => from.threads.port(), {}),
    actions: late((from) => from.actions.port(), { last: live((from) => from.actions.last, null) }),
    drafts: late((from) => from.drafts.port(), { here: live((from) => from.drafts.here, []) }),
    outbox: late((from) => from.outbox.port(), {
      entries: live((from) => from.outbox.entries, []), waiting: live((from) => from.outbox.waiting, 0),
    }),
    contacts: late((from) => from.contacts.port(), { all: live((from) => from.contacts.all, null) }),
    identities: late((from) => from.identities, { all: live((from) => from.identities.all, null) }),
    settings: late((from) => from.settings.port(), { now: live((from) => from.settings.now, DEFAULT_SETTINGS) }),
    search: late((from) => from.searching.port(
      () => from.settings.now.value.conversations,
      (text) => from.contacts.suggest(text).flatMap((each) => each.people.map((one) => one.email)),
    ), {}),
    device: late<DevicePort>((from) => ({ clear: () => from.storage.clear() }) as DevicePort, {
      state: live((from) => from.storage.state, { used: 0, quota: null, persisted: false, emails: 0, bodies: 0, bodiesSince: null, full: false }),
      mailbox: live((from) => from.quota, null), newer: shell.newer, update: () => shell.update(), notifications: shell.notifications,
      notify: (on) => shell.notify(on), push: live((from) => from.push.state, "off"),
    }),
    arrival: live((from) => from.arrival, null),
    problems: live((from) => from.problems, []),
    seen: (id) => engine.value?.seen(id),
    end: () => engine.value?.end(),
  };
}
