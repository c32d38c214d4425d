/**
 * Requests to the JMAP server: one try each, with a time limit. Trying again is the business of whoever keeps the
 * work (the sync, the outbox, a list), after `connection` has seen the service again: at one layer only.
 */

import { Failure } from "../failures";
import type { World } from "../world";
import { CORE, type Call, type SetError, type SetResult, type Session } from "./types";

export const REQUEST_MS = 10_000;
const MOST_AT_ONCE = 4;
const OF_NO_ACCOUNT = "PushSubscription/";

/** Who may ask: the session object, and a token that is good now. */
export interface Credentials {
  session(): Session;
  account(): string;
  /** Throws `Failure("sign-in")` when there's none to be had. */
  bearer(refused?: string): Promise<string>;
}

export interface Watcher {
  /** Why nothing is to be asked now: it is being tried already, by whoever probes. */
  out(): Failure | null;
  /** The server answered something sensible. */
  reached(): void;
  /** It didn't, or says that it can't. */
  failed(failure: Failure): void;
  /** Its session object is another one than ours. */
  sessionChanged(): void;
}

export class Responses {
  constructor(private readonly responses: [string, Record<string, unknown>, string][]) {}

  /** The result of the call of that id; its error is thrown. */
  of<T>(id: string): T {
    const found = this.responses.find((each) => each[2] === id);
    if (!found) throw new Failure("unknown", `no response to ${id}`);
    if (found[0] === "error") throw methodFailure(found[1] as unknown as SetError);
    return found[1] as T;
  }

  has(id: string): boolean {
    return this.responses.some((each) => each[2] === id && each[0] !== "error");
  }

  /** Implicit calls of a submission (RFC 8621 §7.5) have its id and another name. */
  named<T>(id: string, name: string): T | null {
    return (this.responses.find((each) => each[2] === id && each[0] === name)?.[1] as T | undefined) ?? null;
  }
}

/** RFC 8620 §3.6.2 */
function methodFailure(error: SetError): Failure {
  const type = error.type;
  const more = { type };
  const words = error.description ?? type;
  if (type === "serverUnavailable" || type === "serverPartialFail" || type === "serverFail") return new Failure("unavailable", words, more);
  if (type === "stateMismatch" || type === "cannotCalculateChanges" || type === "anchorNotFound") return new Failure("changed", words, more);
  if (type === "accountNotFound" || type === "forbidden" || type === "accountReadOnly") return new Failure("forbidden", words, more);
  if (type === "requestTooLarge") return new Failure("too-large", words, more);
  return new Failure("invalid", words, more);
}

export class Client {
  private busy = 0;
  private readonly queue: (() => void)[] = [];

  constructor(
    private readonly world: World,
    private readonly who: Credentials,
    private readonly watcher: Watcher,
  ) {}

  limit(name: "maxObjectsInGet" | "maxObjectsInSet" | "maxCallsInRequest" | "maxSizeUpload", otherwise: number): number {
    const value = this.who.session().capabilities[CORE]?.[name];
    return typeof value === "number" && value > 0 ? value : otherwise;
  }

  offers(capability: string): boolean {
    return capability in this.who.session().capabilities;
  }

  /** One request. Calls get the account's id. Throws `Failure` for the request as a whole; those of calls by `of`.
   *  `probe`: whatever is known of the service. */
  async call(calls: Call[], probe = false): Promise<Responses> {
    const out = probe ? null : this.watcher.out();
    if (out) throw out;
    const using = Object.keys(this.who.session().capabilities);
    const account = this.who.account();
    const methodCalls = calls.map(([name, args, id]) => [name, name.startsWith(OF_NO_ACCOUNT) ? args : { accountId: account, ...args }, id]);
    const response = await this.send(this.who.session().apiUrl, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ using, methodCalls }),
    });
    const answer = (await this.json(response)) as { methodResponses: [string, Record<string, unknown>, string][]; sessionState: string };
    if (!Array.isArray(answer.methodResponses)) throw this.noted(new Failure("unreachable", "not an answer of JMAP"));
    // One thing out of reach is that thing's matter; when all are, the mail is.
    const [first] = answer.methodResponses;
    const none = answer.methodResponses.every((each) => each[0] === "error" && each[1].type === "serverUnavailable");
    if (none && first) this.watcher.failed(methodFailure(first[1] as unknown as SetError));
    else this.watcher.reached();
    if (answer.sessionState !== this.who.session().state) this.watcher.sessionChanged();
    return new Responses(answer.methodResponses);
  }

  /** A single call. */
  async one<T>(name: string, args: Record<string, unknown>): Promise<T> {
    return (await this.call([[name, args, "0"]])).of<T>("0");
  }

  /** A /get of any number of ids, in as many requests as the server's limits want. */
  async getAll<T>(type: string, ids: string[], args: Record<string, unknown>): Promise<{ list: T[]; notFound: string[]; state: string }> {
    const most = Math.min(this.limit("maxObjectsInGet", 100), 500);
    const found = { list: [] as T[], notFound: [] as string[], state: "" };
    for (let at = 0; at < ids.length; at += most) {
      const part = await this.one<{ list: T[]; notFound: string[]; state: string }>(`${type}/get`, { ...args, ids: ids.slice(at, at + most) });
      found.list.push(...part.list);
      found.notFound.push(...part.notFound);
      found.state ||= part.state;
    }
    return found;
  }

  async download(blob: string, name: string, type: string): Promise<ArrayBuffer> {
    const out = this.watcher.out();
    if (out) throw out;
    const url = fill(this.who.session().downloadUrl, { accountId: this.who.account(), blobId: blob, name, type });
    return (await this.send(url, {})).arrayBuffer();
  }

  async upload(body: Blob, progress: (part: number) => void): Promise<string> {
    const out = this.watcher.out();
    if (out) throw out;
    const url = fill(this.who.session().uploadUrl, { accountId: this.who.account() });
    const go = async (token: string) => {
      const headers = { authorization: `Bearer ${token}`, "content-type": body.type || "application/octet-stream" };
      return this.world.upload(url, headers, body, progress);
    };
    const response = await this.withToken(go);
    return ((await this.json(response)) as { blobId: string }).blobId;
  }

  /** A request with our token whose answer is good. Throws `Failure`. */
  async send(url: string, init: RequestInit): Promise<Response> {
    await this.turn();
    try {
      return await this.withToken((token) => this.timed(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }));
    } finally {
      this.busy--;
      this.queue.shift()?.();
    }
  }

  private async turn(): Promise<void> {
    while (this.busy >= MOST_AT_ONCE) await new Promise<void>((go) => this.queue.push(go));
    this.busy++;
  }

  private async withToken(go: (token: string) => Promise<Response>): Promise<Response> {
    const bearer = (refused?: string) => this.who.bearer(refused).catch((error: Failure) => { throw this.noted(error); });
    let token = await bearer();
    for (let attempt = 0; ; attempt++) {
      const response = await go(token).catch((error: unknown) => {
        throw this.noted(error instanceof Failure ? error : new Failure(this.world.online() ? "unreachable" : "offline", String(error)));
      });
      if (response.status === 401 && attempt === 0) {
        token = await bearer(token);
        continue;
      }
      if (response.ok) return response;
      throw this.noted(await failureOf(response));
    }
  }

  /** The whole answer, with the limit between one piece of it and the next: a slow line isn't a server that is gone,
   *  and a server that stops in the middle is frozen as well. */
  private timed(url: string, init: RequestInit): Promise<Response> {
    const abort = new AbortController();
    return new Promise<Response>((resolve, reject) => {
      let cancel = () => {};
      const alive = () => {
        cancel();
        cancel = this.world.later(REQUEST_MS, () => {
          abort.abort();
          reject(new Failure("unreachable", `no answer within ${REQUEST_MS / 1000} s`));
        });
      };
      alive();
      this.world.fetch(url, { ...init, signal: abort.signal })
        .then((response) => read(response, alive))
        .then(resolve, reject)
        .finally(() => cancel());
    });
  }

  private async json(response: Response): Promise<unknown> {
    try {
      return await response.json();
    } catch {
      throw this.noted(new Failure("unreachable", "not JSON: something stands between us and the service"));
    }
  }

  private noted(failure: Failure): Failure {
    this.watcher.failed(failure);
    return failure;
  }
}

async function read(response: Response, alive: () => void): Promise<Response> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const reader = response.body?.getReader();
  while (reader) {
    alive();
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value as Uint8Array<ArrayBuffer>);
  }
  return new Response(pieces.length ? new Blob(pieces) : null, { status: response.status, headers: response.headers });
}

/** What an HTTP status other than 2xx means. RFC 8620 §3.6.1 */
export async function failureOf(response: Response): Promise<Failure> {
  const after = Number(response.headers.get("retry-after"));
  const more = after > 0 ? { retryAfterMs: after * 1000 } : {};
  const problem = (await response.json().catch(() => ({}))) as { type?: string; detail?: string; limit?: string };
  const words = problem.detail ?? problem.type ?? `HTTP ${response.status}`;
  if (response.status === 401) return new Failure("sign-in", words);
  if (response.status === 403) return new Failure("forbidden", words);
  if (response.status === 404 || response.status === 410) return new Failure("gone", words);
  if (response.status === 413) return new Failure("too-large", words);
  if (response.status === 429) return new Failure("rate", words, more);
  if (response.status >= 500) return new Failure("unavailable", words, more);
  return new Failure(problem.type?.endsWith(":limit") ? "too-large" : "invalid", words);
}

function fill(template: string, values: Record<string, string>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ""));
}

/** Those of a /set that were not made as asked. */
export function refusedOf(result: SetResult): Record<string, SetError> {
  return { ...result.notCreated, ...result.notUpdated, ...result.notDestroyed };
}
