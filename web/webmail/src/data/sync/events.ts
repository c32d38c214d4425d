/** The server's push: an event source (RFC 8620 §7.3) by fetch, since an EventSource can't send our token. */

import { Failure } from "../failures";
import type { Credentials } from "../jmap/client";
import type { World } from "../world";

const PING_S = 15;
const CONNECT_MS = 10_000;

/** Follows until the stream ends; what keeps silent for two pings is dead. Throws `Failure`. */
export async function follow(world: World, who: Credentials, hear: (changed: Record<string, string>) => void, end: AbortSignal): Promise<void> {
  const template = who.session().eventSourceUrl;
  const url = template.replace("{types}", "*").replace("{closeafter}", "no").replace("{ping}", String(PING_S));
  const abort = new AbortController();
  end.addEventListener("abort", () => abort.abort(), { signal: abort.signal });
  let callOff = () => {};
  const alive = (ms: number) => {
    callOff();
    callOff = world.later(ms, () => abort.abort());
  };
  try {
    alive(CONNECT_MS);
    const token = await who.bearer();
    const headers = { accept: "text/event-stream", authorization: `Bearer ${token}` };
    const response = await world.fetch(url, { headers, signal: abort.signal, cache: "no-store" });
    if (response.status === 401) {
      await who.bearer(token);
      return;
    }
    if (!response.ok || !response.body) throw new Failure(response.status >= 500 ? "unavailable" : "invalid", `HTTP ${response.status}`);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let pending = "";
    let interval = PING_S;
    for (;;) {
      alive((2 * interval + 5) * 1000);
      const { done, value } = await reader.read();
      if (done) return;
      pending += value;
      const events = pending.split(/\r?\n\r?\n/);
      pending = events.pop()!;
      for (const each of events) {
        const { name, data } = parsed(each);
        if (name === "ping") interval = Number((json(data) as { interval?: number })?.interval) || interval;
        else if (name === "state") hear((json(data) as { changed?: Record<string, Record<string, string>> })?.changed?.[who.account()] ?? {});
      }
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(world.online() ? "unreachable" : "offline", String(error));
  } finally {
    callOff();
    abort.abort();
  }
}

function parsed(text: string): { name: string; data: string } {
  let name = "message";
  const data: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const found = /^(event|data): ?(.*)$/.exec(line);
    if (found?.[1] === "event") name = found[2]!;
    else if (found) data.push(found[2]!);
  }
  return { name, data: data.join("\n") };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
