/**
 * What the service worker does with a push message: no page need be open. RFC 8620 §7.2
 *
 * PUSH-1 The message says that there is something, never what. The worker asks the server by itself; what it can't
 *        ask for isn't named.
 */

import { Access, type Page } from "../data/access";
import type { Settings } from "../data/contract";
import { Device, openMail } from "../data/database";
import { Failure } from "../data/failures";
import { Client, type Watcher } from "../data/jmap/client";
import { news } from "../data/push/news";
import { DELIVERY, Subscription } from "../data/push/subscription";
import type { World } from "../data/world";
import { noticeOf, plainNotice, type Notice } from "./notice";

type Pushed =
  | { "@type": "PushVerification"; pushSubscriptionId: string; verificationCode: string }
  | { "@type": "StateChange"; changed: Record<string, Record<string, string>> };

const ALONE: Watcher = { out: () => null, reached: () => undefined, failed: () => undefined, sessionChanged: () => undefined };

/** What to show of it; null: nothing. `looking`: somebody has the webmail before their eyes. */
export async function pushed(world: World, scope: string, message: unknown, looking: () => Promise<boolean>): Promise<Notice | null> {
  const said = message as Pushed | null;
  return withAccess(world, scope, async (access, device) => {
    if (access.signIn.value.state !== "in" || !(await device.get("push"))) return null;
    const client = new Client(world, access, ALONE);
    const subscription = new Subscription(world, client, access, device);
    try {
      if (said?.["@type"] === "PushVerification") {
        await subscription.prove(said.pushSubscriptionId, said.verificationCode);
        return null;
      }
      const account = access.account();
      const notice = said?.changed?.[account]?.[DELIVERY] === undefined || (await looking()) ? null : await told(client, device, access);
      await subscription.keep(true);
      return notice;
    } catch (error) {
      if (error instanceof Failure) return null; // the code is kept: a page gives it back
      throw error;
    } finally {
      subscription.end();
    }
  });
}

/** The browser has taken its place away, or given it another one. */
export async function renewed(world: World, scope: string): Promise<void> {
  await withAccess(world, scope, async (access, device) => {
    if (access.signIn.value.state !== "in" || !(await device.get("push"))) return;
    const subscription = new Subscription(world, new Client(world, access, ALONE), access, device);
    await subscription.keep(true);
    subscription.end();
  });
}

async function told(client: Client, device: Device, access: Access): Promise<Notice | null> {
  const account = access.account();
  try {
    const found = await news(client, device, account);
    return found && noticeOf(found.first.from?.[0], found.first.subject ?? "", found.count);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return plainNotice(access.links.value.product, await languageOf(account));
  }
}

async function languageOf(account: string): Promise<Settings["language"]> {
  const db = await openMail(account);
  const settings = await db.get("objects", ["Settings", "singleton"]);
  db.close();
  return (settings?.value.language as Settings["language"] | undefined) ?? "auto";
}

async function withAccess<T>(world: World, scope: string, work: (access: Access, device: Device) => Promise<T>): Promise<T> {
  const device = await Device.open();
  const page: Page = { url: () => scope, go: () => undefined, replace: () => undefined };
  const access = new Access(world, device, page);
  try {
    await access.start();
    return await work(access, device);
  } finally {
    device.close();
  }
}
