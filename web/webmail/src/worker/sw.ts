/**
 * The service worker: the shell of the webmail is on this device and opens without the network.
 *
 * SHELL-1 What it answers from its cache is the list of files that the build wrote into it, whole, of one version.
 *         A new version is fetched beside the old one and takes over at the next start, or when it's told to.
 * SHELL-2 Mail, tokens and the status of the service are never answered from a cache: what isn't in the list isn't
 *         touched. `config.json` alone is remembered, for when it can't be had.
 */

import { browser } from "../data/world";
import { SHOWN } from "./notice";
import { pushed, renewed } from "./pushed";

const worker = self as unknown as ServiceWorkerGlobalScope;
/** Written by the build. */
declare const FILES: string[];
declare const VERSION: string;

const SHELL = `shell-${VERSION}`;
const REMEMBERED = "remembered";
const CONFIG = "config.json";
const INDEX = "index.html";
const CONFIG_MS = 3_000;

const files = new Set(FILES);
const inside = (url: string): string | null => (url.startsWith(worker.registration.scope) ? url.slice(worker.registration.scope.length).split(/[?#]/)[0]! : null);

worker.addEventListener("install", (event) => {
  const fetched = FILES.map((name) => new Request(name, { cache: "reload" }));
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(fetched)));
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name.startsWith("shell-") && name !== SHELL) await caches.delete(name);
      await worker.clients.claim();
    })(),
  );
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const name = inside(request.url);
  if (name === CONFIG) event.respondWith(config(request));
  else if (name === "" || name === INDEX) event.respondWith(shell(INDEX, request));
  else if (name !== null && files.has(name)) event.respondWith(shell(name, request));
});

async function shell(name: string, request: Request): Promise<Response> {
  const cache = await caches.open(SHELL);
  return (await cache.match(name)) ?? fetch(request);
}

async function config(request: Request): Promise<Response> {
  const cache = await caches.open(REMEMBERED);
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(CONFIG_MS) });
    if (response.ok) {
      await cache.put(CONFIG, response.clone());
      return response;
    }
  } catch {
    // the one that is remembered, then
  }
  return (await cache.match(CONFIG)) ?? Response.error();
}

worker.addEventListener("message", (event) => {
  if (event.data === "update") void worker.skipWaiting();
});

worker.addEventListener("push", (event) => {
  event.waitUntil(
    (async () => {
      const { scope } = worker.registration;
      const notice = await pushed(browser(worker.registration), scope, said(event.data), looking);
      if (notice) await worker.registration.showNotification(notice.title, { body: notice.body, ...SHOWN });
    })(),
  );
});

worker.addEventListener("pushsubscriptionchange", (event) => {
  (event as ExtendableEvent).waitUntil(renewed(browser(worker.registration), worker.registration.scope));
});

function said(data: PushMessageData | null): unknown {
  try {
    return data?.json();
  } catch {
    return null;
  }
}

async function looking(): Promise<boolean> {
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  return pages.some((each) => each.visibilityState === "visible");
}

worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(
    (async () => {
      const [open] = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
      if (open) await open.focus();
      else await worker.clients.openWindow(worker.registration.scope);
    })(),
  );
});
