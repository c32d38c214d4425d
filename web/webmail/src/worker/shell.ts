/** The page's end of the service worker, and notifications while the webmail is open somewhere. */

import { computed, effect, signal } from "@preact/signals";
import type { Live, Outcome, Webmail } from "../data/contract";
import { outcome, Failure } from "../data/failures";
import type { Shell } from "../data/webmail";
import { noticeOf, SHOWN } from "./notice";

const LOOK_MS = 3_600_000; // a page that stays open asks for a newer webmail this often

export class ServiceShell implements Shell {
  readonly newer = signal(false);
  readonly notifications: Live<"unsupported" | "off" | "denied" | "on">;
  private readonly permission = signal<NotificationPermission | "unsupported">("Notification" in window ? Notification.permission : "unsupported");
  private readonly wanted = signal(false);
  private registration: ServiceWorkerRegistration | null = null;
  private mail: Webmail | null = null;

  constructor() {
    this.notifications = computed(() => {
      const may = this.permission.value;
      if (may === "unsupported" || may === "denied") return may;
      return may === "granted" && this.wanted.value ? "on" : "off";
    });
  }

  /** After the first view is drawn: it doesn't wait for this. */
  async begin(mail: Webmail): Promise<void> {
    this.mail = mail;
    effect(() => void (this.wanted.value = mail.settings.now.value.notify));
    effect(() => this.announce());
    this.followPermission();
    if (!("serviceWorker" in navigator) || import.meta.env.DEV) return;
    // Where it may not be registered (a certificate that isn't trusted, a private window), all but that works.
    const registration = await navigator.serviceWorker.register("./sw.js", { updateViaCache: "none" }).catch(() => null);
    if (!registration) return;
    this.registration = registration;
    const look = () => {
      // The first one that ever came isn't newer than anything.
      if (registration.waiting && navigator.serviceWorker.controller) this.newer.value = true;
    };
    look();
    registration.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", look));
    setInterval(() => void registration.update().catch(() => undefined), LOOK_MS);
  }

  update(): void {
    const waiting = this.registration?.waiting;
    if (!waiting) return location.reload();
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    waiting.postMessage("update");
  }

  notify(on: boolean): Promise<Outcome> {
    return outcome("unchanged", async () => {
      if (on) {
        if (this.permission.value === "unsupported") throw new Failure("forbidden");
        this.permission.value = await Notification.requestPermission();
        if (this.permission.value !== "granted") throw new Failure("forbidden");
      }
      await this.mail?.settings.set({ notify: on });
    });
  }

  /** Who wrote and about what, when nobody looks. */
  private announce(): void {
    const arrival = this.mail?.arrival.value;
    if (!arrival || this.notifications.peek() !== "on" || document.visibilityState === "visible") return;
    const { title, body } = noticeOf(arrival.first.people[0], arrival.first.subject, arrival.count);
    void this.registration?.showNotification(title, { body, ...SHOWN });
  }

  /** Given or taken in another tab, or in the browser's settings. */
  private followPermission(): void {
    const query = navigator.permissions?.query({ name: "notifications" });
    void query?.then((now) => now.addEventListener("change", () => {
      if (this.permission.peek() !== "unsupported") this.permission.value = Notification.permission;
    })).catch(() => undefined);
  }
}
