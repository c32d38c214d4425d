/** What the data layer needs of the outside, so that tests can run it on a server in memory and two tabs in one process. */

import { browserDoor, type PushDoor } from "./push/door";

export interface Channel {
  post(message: unknown): void;
  listen(hear: (message: unknown) => void): void;
  close(): void;
}

export interface World {
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** With progress 0…1, which fetch can't tell. */
  upload(url: string, headers: Record<string, string>, body: Blob, progress: (part: number) => void): Promise<Response>;
  now(): number;
  random(): number;
  /** Returns what calls it off. */
  later(ms: number, call: () => void): () => void;
  /** Runs `work` while nobody else (no other tab) holds the lock of that name. */
  locked<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Reaches the other tabs, not oneself. */
  channel(name: string): Channel;
  online(): boolean;
  whenNetworkChanges(hear: () => void): void;
  /** Whether somebody looks at this tab. */
  visible(): boolean;
  /** Null: no push messages come to this browser. */
  readonly push: PushDoor | null;
}

const UPLOAD_STALL_MS = 30_000;

/** `worker`: as the service worker sees it. */
export function browser(worker?: ServiceWorkerRegistration): World {
  return {
    push: browserDoor(worker),
    fetch: (url, init) => fetch(url, init),
    upload: uploadByXhr,
    now: () => Date.now(),
    random: () => Math.random(),
    later: (ms, call) => {
      const timer = setTimeout(call, ms);
      return () => clearTimeout(timer);
    },
    locked: (name, work) =>
      // Without Web Locks (no secure context) there is one tab at a time to reckon with.
      navigator.locks ? (navigator.locks.request(name, work) as ReturnType<typeof work>) : work(),
    channel: (name) => {
      const channel = new BroadcastChannel(name);
      return {
        post: (message) => channel.postMessage(message),
        listen: (hear) => channel.addEventListener("message", (event) => hear(event.data)),
        close: () => channel.close(),
      };
    },
    online: () => navigator.onLine,
    whenNetworkChanges: (hear) => {
      addEventListener("online", hear);
      addEventListener("offline", hear);
    },
    visible: () => document.visibilityState === "visible",
  };
}

/** Given up when nothing went up for a while, however long the whole takes. */
function uploadByXhr(
  url: string, headers: Record<string, string>, body: Blob, progress: (part: number) => void,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let watch: ReturnType<typeof setTimeout>;
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(() => request.abort(), UPLOAD_STALL_MS);
    };
    const end = () => {
      clearTimeout(watch);
      reject(new TypeError("the upload broke off"));
    };
    request.open("POST", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => {
      alive();
      if (event.lengthComputable) progress(event.loaded / event.total);
    };
    request.onload = () => {
      clearTimeout(watch);
      const after = request.getResponseHeader("retry-after");
      resolve(new Response(request.responseText, { status: request.status, headers: after ? { "retry-after": after } : {} }));
    };
    request.onerror = request.onabort = end;
    alive();
    request.send(body);
  });
}

/** 128 bits that nobody else has, for ids made here. */
export function freshId(prefix = "local-"): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return prefix + Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");
}
