/** What came since somebody looked, for a notification while no page is open. */

import { openMail, type Device } from "../database";
import type { Client } from "../jmap/client";
import { LISTED, ref, type GetResult, type JmapEmail, type JmapMailbox } from "../jmap/types";

const MOST = 20;

export interface News {
  count: number;
  /** The newest. */
  first: JmapEmail;
}

/** New in the inbox, unread, neither known to this device nor announced before; null: nothing. Throws `Failure`. */
export async function news(client: Client, device: Device, account: string): Promise<News | null> {
  const here = await known(account);
  if (!here.inbox) return null;
  const before = await device.get("announced");
  const told: { since: string; ids: string[] } = before?.account === account ? before : { since: "", ids: [] };
  const after = [told.since, here.since].sort().at(-1)!;
  const answer = await client.call([
    ["Email/query", {
      filter: { inMailbox: here.inbox, notKeyword: "$seen", ...(after ? { after } : {}) },
      sort: [{ property: "receivedAt", isAscending: false }], limit: MOST,
    }, "q"],
    ["Email/get", { "#ids": ref("q", "Email/query", "/ids"), properties: LISTED }, "g"],
  ]);
  answer.of("q");
  // Of the second of the last one there may be others.
  const found = answer.of<GetResult<JmapEmail>>("g").list.filter((each) => !here.ids.has(each.id) && !told.ids.includes(each.id));
  const [first] = found.sort((a, b) => b.receivedAt.localeCompare(a.receivedAt));
  if (!first) return null;
  await device.put("announced", { account, since: first.receivedAt, ids: [...found.map((each) => each.id), ...told.ids].slice(0, 2 * MOST) });
  return { count: found.length, first };
}

/** The inbox, and the newest that this device has. */
async function known(account: string): Promise<{ inbox: string | null; since: string; ids: Set<string> }> {
  const db = await openMail(account);
  try {
    const boxes = (await db.getAllFromIndex("objects", "type", "Mailbox")).map((each) => each.value as unknown as JmapMailbox);
    const newest = await db.getAllFromIndex("emails", "age", null, MOST);
    return {
      inbox: boxes.find((each) => each.role === "inbox")?.id ?? null, since: newest[0]?.receivedAt ?? "", ids: new Set(newest.map((each) => each.id)),
    };
  } finally {
    db.close();
  }
}
