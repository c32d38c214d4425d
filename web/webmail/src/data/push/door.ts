/** The browser's part of web push: a place at its push service to which the server may send. RFC 8030, RFC 8291 */

import { Failure } from "../failures";

export interface Place {
  endpoint: string;
  p256dh: string;
  auth: string;
}

export interface PushDoor {
  /** The place for this server's key, made where there's none. Throws `Failure`. */
  subscribe(key: string): Promise<Place>;
  unsubscribe(): Promise<void>;
}

const READY_MS = 10_000; // a service worker that was registered just now

/** Null: this browser takes no push messages (here). `worker`: of the service worker itself. */
export function browserDoor(worker?: ServiceWorkerRegistration): PushDoor | null {
  if (!("PushManager" in globalThis) || (!worker && !("serviceWorker" in navigator))) return null;
  const manager = async () => {
    const wait = new Promise<null>((go) => setTimeout(go, READY_MS, null));
    const found = worker ?? (await Promise.race([navigator.serviceWorker.ready, wait]));
    if (!found) throw new Failure("unavailable", "no service worker");
    return found.pushManager;
  };
  return {
    subscribe: async (key) => {
      const push = await manager();
      let there = await push.getSubscription();
      if (there && written(there.options.applicationServerKey) !== key) {
        await there.unsubscribe();
        there = null;
      }
      try {
        there ??= await push.subscribe({ userVisibleOnly: true, applicationServerKey: key });
      } catch (error) {
        const denied = error instanceof Error && error.name === "NotAllowedError";
        throw new Failure(denied ? "forbidden" : "unavailable", String(error));
      }
      return { endpoint: there.endpoint, p256dh: written(there.getKey("p256dh")), auth: written(there.getKey("auth")) };
    },
    unsubscribe: async () => {
      await (await (await manager()).getSubscription())?.unsubscribe();
    },
  };
}

/** In base64url. */
function written(bytes: ArrayBuffer | null): string {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes ?? new ArrayBuffer(0))));
  return text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
