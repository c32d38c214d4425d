/** The provider's status feed: `summary.json` in the common status-page shape, with a few fields more. */

import type { Fault, Feed, FunctionName } from "./contract";
import type { World } from "./world";

const NAMES: FunctionName[] = ["receive", "send", "imap", "pop3", "webmail", "password", "signup"];
const LIMIT_MS = 10_000;

interface Component {
  id: string; status: string; description?: string | null; updated_at?: string;
  holdfast?: { since?: string | null; works?: string[]; next_update?: string | null };
}
interface Incident {
  name: string; status: string; started_at?: string; components?: { id: string }[];
  incident_updates?: { body: string; created_at: string }[];
}

export async function readFeed(world: World, url: string): Promise<{ feed: Feed; faults: Fault[] }> {
  if (!url) return { feed: { state: "none" }, faults: [] };
  const abort = new AbortController();
  const cancel = world.later(LIMIT_MS, () => abort.abort());
  try {
    const response = await world.fetch(url, { signal: abort.signal, cache: "no-store", credentials: "omit" });
    if (!response.ok) return { feed: { state: "unreachable" }, faults: [] };
    const summary = (await response.json()) as { components?: Component[]; incidents?: Incident[] };
    return { feed: { state: "read", at: world.now(), url }, faults: faultsOf(summary) };
  } catch {
    return { feed: { state: "unreachable" }, faults: [] };
  } finally {
    cancel();
  }
}

const time = (text: string | null | undefined): number | null => (text ? Date.parse(text) || null : null);

export function faultsOf(summary: { components?: Component[]; incidents?: Incident[] }): Fault[] {
  const components = summary.components ?? [];
  const working = NAMES.filter((name) => components.find((each) => each.id === name)?.status === "operational");
  const found: Fault[] = [];
  for (const name of NAMES) {
    const component = components.find((each) => each.id === name);
    // A function that the feed doesn't speak of isn't said to be out of order, nor to work.
    if (!component || component.status === "operational") continue;
    const incident = summary.incidents?.find((each) => each.components?.some((one) => one.id === name));
    const updates = [...(incident?.incident_updates ?? [])].sort((a, b) => b.created_at.localeCompare(a.created_at));
    const works = component.holdfast?.works?.filter((each): each is FunctionName => NAMES.includes(each as FunctionName));
    const unknown = component.status === "degraded_performance" && component.description === "unknown";
    found.push({
      name, source: "feed",
      level: unknown ? "unknown" : component.status === "major_outage" ? "down" : "degraded",
      since: time(component.holdfast?.since) ?? time(incident?.started_at) ?? null,
      said: updates[0]?.body ?? incident?.name ?? null,
      works: works ?? working,
      nextUpdate: time(component.holdfast?.next_update),
    });
  }
  return found;
}
