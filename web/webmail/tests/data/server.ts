/** A JMAP server in memory, small and exact: states, changes, patches, references; and faults at will. */

type Thing = Record<string, any> & { id: string };
interface Row { value: Thing; made: number; modseq: number; gone: number }
type Call = [string, Record<string, any>, string];

class MethodError extends Error {
  constructor(readonly type: string, readonly description = "") {
    super(type);
  }
}

export type Mode = "up" | "down" | "frozen" | "503" | "unavailable";
export const ME = "anna@example.org";
const URL_ = "https://jmap.test";

export class Server {
  mode: Mode = "up";
  /** Asked before each API request: lose it on the way there, or its answer on the way back. */
  fault: (request: number) => "none" | "before" | "after" = () => "none";
  requests = 0;
  /** Answers come in so many pieces, with some seconds between them. */
  slow: { pieces: number; pass: (ms: number) => void } | null = null;
  now: () => number = () => Date.now();
  readonly log: string[] = [];
  modseq = 1;
  oldest = 0;
  maxDelayedSend = 3600;
  pushKey = "key1";
  /** Answers of the set methods to refuse, by type. */
  refuse: ((type: string, id: string, patch: unknown) => Record<string, unknown> | null) | null = null;
  private ids = 1;
  private readonly tables = new Map<string, Map<string, Row>>();
  private readonly blobs = new Map<string, ArrayBuffer>();
  private readonly streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  tokens = { access: "a1", refresh: "r1" };

  constructor() {
    for (const [id, name, role] of [["inbox", "Inbox", "inbox"], ["archive", "Archive", "archive"], ["drafts", "Drafts", "drafts"], ["sent", "Sent", "sent"], ["trash", "Trash", "trash"], ["junk", "Junk", "junk"], ["work", "Work", null]]) {
      this.put("Mailbox", { id: id!, name, role, parentId: null, sortOrder: 0, isSubscribed: true, myRights: {} });
    }
    this.put("Identity", { id: "i1", name: "Anna", email: ME, replyTo: null, bcc: null, textSignature: "", htmlSignature: "", mayDelete: false });
    this.put("Settings", { id: "singleton" });
    this.put("AddressBook", { id: "book", name: "Contacts", isDefault: true });
  }

  // ------------------------------------------------------------------------------------ for tests

  table(type: string): Map<string, Row> {
    let found = this.tables.get(type);
    if (!found) this.tables.set(type, (found = new Map()));
    return found;
  }

  all(type: string): Thing[] {
    return [...this.table(type).values()].filter((each) => !each.gone).map((each) => each.value);
  }

  get(type: string, id: string): Thing | undefined {
    const row = this.table(type).get(id);
    return row && !row.gone ? row.value : undefined;
  }

  put(type: string, value: Thing): void {
    const before = this.table(type).get(value.id);
    this.modseq++;
    this.table(type).set(value.id, { value, made: before && !before.gone ? before.made : this.modseq, modseq: this.modseq, gone: 0 });
    if (type === "Email") this.touchMailboxes();
  }

  destroy(type: string, id: string): void {
    const row = this.table(type).get(id)!;
    row.gone = row.modseq = ++this.modseq;
    if (type === "Email") this.touchMailboxes();
  }

  private touchMailboxes(): void {
    for (const row of this.table("Mailbox").values()) row.modseq = this.modseq;
  }

  deliver(some: Partial<Thing> = {}): string {
    const id = some.id ?? `m${this.ids++}`;
    this.put("Email", {
      id, threadId: `t${id}`, mailboxIds: { inbox: true }, keywords: {}, from: [{ name: "Ben", email: "ben@example.net" }], to: [{ name: null, email: ME }],
      cc: null, bcc: null, replyTo: null, subject: `Subject ${id}`, receivedAt: new Date(this.now() - 60_000).toISOString().slice(0, 19) + "Z", size: 1000,
      hasAttachment: false, preview: `preview ${id}`, text: `Hello, this is ${id}.`, messageId: [`${id}@example.net`], ...some,
    });
    this.push();
    return id;
  }

  /** A part of a message whose bytes can be downloaded. */
  file(name: string, size: number): Thing {
    const id = `blob${this.ids++}`;
    this.blobs.set(id, new ArrayBuffer(size));
    return { id, partId: id, blobId: id, name, size, type: "application/pdf", cid: null, charset: null, disposition: "attachment" };
  }

  push(): void {
    const text = `event: state\ndata: ${JSON.stringify({ "@type": "StateChange", changed: { a1: { Email: String(this.modseq) } } })}\n\n`;
    for (const each of this.streams) {
      try {
        each.enqueue(new TextEncoder().encode(text));
      } catch {
        this.streams.delete(each);
      }
    }
  }

  dropStreams(): void {
    for (const each of this.streams) {
      try {
        each.error(new TypeError("connection reset"));
      } catch {
        // closed already
      }
    }
    this.streams.clear();
  }

  // ----------------------------------------------------------------------------------------- HTTP

  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const path = new URL(url).pathname;
    if (path === "/config.json") return json({ jmap: URL_, status: "", accounts: "", signup: "", product: "Test" });
    if (this.mode === "down") throw new TypeError("connection refused");
    if (this.mode === "frozen") return new Promise((_, reject) => init.signal?.addEventListener("abort", () => reject(new TypeError("aborted"))));
    if (this.mode === "503") return new Response("{}", { status: 503 });
    if (path === "/.well-known/oauth-authorization-server") return json({ authorization_endpoint: `${URL_}/authorize`, token_endpoint: `${URL_}/token`, revocation_endpoint: `${URL_}/revoke` });
    if (path === "/token") return this.token(new URLSearchParams(String(init.body)));
    if (path === "/revoke") return json({});
    const token = new Headers(init.headers).get("authorization");
    if (token !== `Bearer ${this.tokens.access}`) return new Response("{}", { status: 401 });
    if (path === "/.well-known/jmap") return json(this.session());
    if (path === "/jmap/events") return this.events(init.signal ?? undefined);
    if (path.startsWith("/jmap/download/")) return new Response(this.blobs.get(path.split("/")[4]!) ?? null, { status: this.blobs.has(path.split("/")[4]!) ? 200 : 404 });
    if (path.startsWith("/jmap/upload/")) return this.upload(init.body as Blob);
    const number = ++this.requests;
    const fault = this.fault(number);
    if (fault === "before") throw new TypeError("lost on the way there");
    const answer = this.api(JSON.parse(String(init.body)) as { methodCalls: Call[] });
    if (fault === "after") throw new TypeError("lost on the way back");
    return this.slow ? slowly(JSON.stringify(answer), this.slow) : json(answer);
  }

  private token(form: URLSearchParams): Response {
    if (form.get("grant_type") === "refresh_token" && form.get("refresh_token") !== this.tokens.refresh) return json({ error: "invalid_grant" }, 400);
    const number = ++this.ids;
    this.tokens = { access: `a${number}`, refresh: `r${number}` };
    return json({ access_token: this.tokens.access, refresh_token: this.tokens.refresh, expires_in: 900, token_type: "Bearer" });
  }

  session() {
    const offered = Object.fromEntries(["urn:ietf:params:jmap:mail", "urn:ietf:params:jmap:contacts", "https://holdfast.dev/ns/webmail"].map((each) => [each, {}]));
    const push = { "urn:ietf:params:jmap:webpush-vapid": { applicationServerKey: this.pushKey } };
    const capabilities = { ...offered, "urn:ietf:params:jmap:submission": { maxDelayedSend: this.maxDelayedSend } };
    return {
      capabilities: { "urn:ietf:params:jmap:core": { maxObjectsInGet: 500, maxObjectsInSet: 500, maxCallsInRequest: 16, maxSizeUpload: 1e8 }, ...capabilities, ...push },
      accounts: { a1: { name: ME, accountCapabilities: capabilities } }, primaryAccounts: { "urn:ietf:params:jmap:mail": "a1" }, username: ME,
      apiUrl: `${URL_}/jmap/api`, downloadUrl: `${URL_}/jmap/download/{accountId}/{blobId}/{name}?type={type}`, uploadUrl: `${URL_}/jmap/upload/{accountId}/`,
      eventSourceUrl: `${URL_}/jmap/events?types={types}&closeafter={closeafter}&ping={ping}`, state: "s1",
    };
  }

  private events(signal?: AbortSignal): Response {
    let mine: ReadableStreamDefaultController<Uint8Array>;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        mine = controller;
        this.streams.add(controller);
        signal?.addEventListener("abort", () => {
          this.streams.delete(mine);
          try {
            controller.error(new TypeError("aborted"));
          } catch {
            // closed already
          }
        });
      },
    });
    return new Response(stream, { headers: { "content-type": "text/event-stream" } });
  }

  private async upload(body: Blob): Promise<Response> {
    const id = `blob${this.ids++}`;
    this.blobs.set(id, await body.arrayBuffer());
    return json({ accountId: "a1", blobId: id, type: body.type, size: body.size });
  }

  // ------------------------------------------------------------------------------------------ API

  private api({ methodCalls }: { methodCalls: Call[] }) {
    const responses: Call[] = [];
    for (const [name, args, id] of methodCalls) {
      this.log.push(name);
      try {
        if (this.mode === "unavailable") throw new MethodError("serverUnavailable");
        const result = this.method(name, resolve(args, responses));
        responses.push([name, result, id]);
        if (name === "EmailSubmission/set") this.implied(args, result, id, responses);
      } catch (error) {
        if (!(error instanceof MethodError)) throw error;
        responses.push(["error", { type: error.type, description: error.description }, id]);
      }
    }
    return { methodResponses: responses, sessionState: "s1" };
  }

  private method(name: string, args: Record<string, any>): Record<string, any> {
    const [type, verb] = name.split("/") as [string, string];
    if ((type === "PushSubscription") === "accountId" in args) throw new MethodError("invalidArguments", "accountId");
    if (name === "Thread/get") return this.threads(args);
    if (verb === "get") return this.getMethod(type, args);
    if (verb === "changes") return this.changes(type, args);
    if (verb === "query") return this.query(type, args);
    if (verb === "set") return this.set(type, args);
    throw new MethodError("unknownMethod");
  }

  private getMethod(type: string, { ids, properties }: Record<string, any>) {
    const wanted: string[] = ids ?? this.all(type).map((each) => each.id);
    const list: Thing[] = [];
    for (const id of new Set(wanted)) {
      const value = this.get(type, id);
      if (!value) continue;
      const whole = type === "Email" ? this.whole(value) : type === "Mailbox" ? { ...value, ...this.counts(id) } : value;
      list.push(properties ? Object.fromEntries(["id", ...properties].map((each) => [each, whole[each] ?? null])) as Thing : whole);
    }
    return { accountId: "a1", state: String(this.modseq), list, notFound: wanted.filter((id) => !this.get(type, id)) };
  }

  private whole(value: Thing): Thing {
    const parts = (type: string) => [{ partId: type, blobId: `${value.id}-${type}`, size: 1, name: null, type, charset: "utf-8", disposition: null, cid: null }];
    return {
      ...value, blobId: `b-${value.id}`, bodyValues: { "text/plain": { value: value.text }, ...(value.html ? { "text/html": { value: value.html } } : {}) },
      textBody: parts("text/plain"), htmlBody: value.html ? parts("text/html") : parts("text/plain"), attachments: value.attachments ?? [],
    };
  }

  counts(mailbox: string) {
    const inside = this.all("Email").filter((each) => each.mailboxIds[mailbox]);
    const unread = inside.filter((each) => !each.keywords.$seen);
    const threads = (list: Thing[]) => new Set(list.map((each) => each.threadId)).size;
    return { totalEmails: inside.length, unreadEmails: unread.length, totalThreads: threads(inside), unreadThreads: threads(unread) };
  }

  private changes(type: string, { sinceState, maxChanges }: Record<string, any>) {
    const since = Number(sinceState);
    if (since < this.oldest) throw new MethodError("cannotCalculateChanges");
    let rows = [...this.table(type).values()].filter((each) => each.modseq > since).sort((a, b) => a.modseq - b.modseq);
    let state = this.modseq;
    const more = maxChanges && rows.length > maxChanges;
    if (more) {
      rows = rows.slice(0, maxChanges);
      state = rows.at(-1)!.modseq;
    }
    const ids = (list: Row[]) => list.map((each) => each.value.id);
    return {
      accountId: "a1", oldState: sinceState, newState: String(state), hasMoreChanges: !!more, updatedProperties: null,
      created: ids(rows.filter((each) => !each.gone && each.made > since)), updated: ids(rows.filter((each) => !each.gone && each.made <= since)),
      destroyed: ids(rows.filter((each) => each.gone && each.made <= since)),
    };
  }

  private threads({ ids }: Record<string, any>) {
    const list = [...new Set<string>(ids)].map((id) => ({
      id, emailIds: this.all("Email").filter((each) => each.threadId === id).sort((a, b) => a.receivedAt.localeCompare(b.receivedAt)).map((each) => each.id),
    }));
    return { accountId: "a1", state: String(this.modseq), list: list.filter((each) => each.emailIds.length), notFound: list.filter((each) => !each.emailIds.length).map((each) => each.id) };
  }

  private query(type: string, { filter, sort, position = 0, anchor, anchorOffset = 0, limit = 1000, collapseThreads }: Record<string, any>) {
    let found = this.all(type).filter((each) => !filter || fits(each, filter));
    if (type === "Email") {
      found.sort((a, b) => b.receivedAt.localeCompare(a.receivedAt) || (a.id < b.id ? 1 : -1));
      if (sort?.[0]?.isAscending) found.reverse();
      if (collapseThreads) {
        const seen = new Set();
        found = found.filter((each) => !seen.has(each.threadId) && seen.add(each.threadId));
      }
    }
    let from = position;
    if (anchor) {
      const at = found.findIndex((each) => each.id === anchor);
      if (at < 0) throw new MethodError("anchorNotFound");
      from = at + anchorOffset;
    }
    return { accountId: "a1", queryState: String(this.modseq), canCalculateChanges: true, position: from, ids: found.slice(from, from + limit).map((each) => each.id), total: found.length };
  }

  private set(type: string, { ifInState, create = {}, update = {}, destroy = [] }: Record<string, any>) {
    if (ifInState && ifInState !== String(this.modseq)) throw new MethodError("stateMismatch");
    const result: Record<string, any> = { accountId: "a1", oldState: String(this.modseq), created: {}, updated: {}, destroyed: [], notCreated: {}, notUpdated: {}, notDestroyed: {} };
    for (const [key, value] of Object.entries<any>(create ?? {})) {
      const refused = this.refuse?.(type, key, value) ?? this.wrong(type, value);
      if (refused) result.notCreated[key] = refused;
      else result.created[key] = this.made(type, value);
    }
    for (const [id, patch] of Object.entries<any>(update ?? {})) {
      const value = this.get(type, id);
      const refused = !value ? { type: "notFound" } : this.refuse?.(type, id, patch) ?? null;
      if (refused) result.notUpdated[id] = refused;
      else if (patch.verificationCode && patch.verificationCode !== value!.code) result.notUpdated[id] = { type: "invalidProperties" };
      else {
        const given = type === "PushSubscription" && "expires" in patch ? { expires: this.pushEnd() } : null;
        this.put(type, apply(value!, { ...patch, ...given }));
        result.updated[id] = given;
      }
    }
    for (const id of destroy ?? []) {
      const refused = !this.get(type, id) ? { type: "notFound" } : this.refuse?.(type, id, null) ?? null;
      if (refused) result.notDestroyed[id] = refused;
      else {
        this.destroy(type, id);
        result.destroyed.push(id);
      }
    }
    result.newState = String(this.modseq);
    this.push();
    return result;
  }

  private pushEnd(): string {
    return new Date(this.now() + 7 * 86_400_000).toISOString();
  }

  private wrong(type: string, value: Thing): Record<string, unknown> | null {
    if (type === "Mailbox" && this.all("Mailbox").some((each) => each.name === value.name && each.parentId === value.parentId)) return { type: "invalidProperties", properties: ["name"] };
    if (type === "Mailbox" && ("totalEmails" in value || "myRights" in value)) return { type: "invalidProperties", properties: ["myRights"] };
    if (type === "PushSubscription" && !/^https:/.test(value.url)) return { type: "invalidProperties", properties: ["url"] };
    if (type === "EmailSubmission" && !this.get("Email", value.emailId)) return { type: "invalidProperties", properties: ["emailId"] };
    return null;
  }

  private made(type: string, value: Thing): Record<string, unknown> {
    const id = `${type[0]!.toLowerCase()}${this.ids++}`;
    if (type === "Email") {
      const parent = value.inReplyTo && this.all("Email").find((each) => each.messageId?.includes(value.inReplyTo[0]));
      const text = value.bodyValues?.t?.value ?? "";
      const made = { ...value, id, threadId: parent?.threadId ?? `t${id}`, receivedAt: new Date(this.now()).toISOString().slice(0, 19) + "Z", size: 500, hasAttachment: !!value.attachments, preview: text.slice(0, 100), text };
      this.put(type, made);
      return { id, blobId: `b-${id}`, threadId: made.threadId, size: 500 };
    }
    if (type === "EmailSubmission") {
      const hold = Number(value.envelope?.mailFrom?.parameters?.HOLDFOR ?? 0);
      const sendAt = value.envelope?.mailFrom?.parameters?.HOLDUNTIL ?? new Date(this.now() + hold * 1000).toISOString();
      const undoStatus = Date.parse(sendAt) > this.now() ? "pending" : "final";
      this.put(type, { ...value, id, undoStatus, sendAt });
      return { id, undoStatus, sendAt };
    }
    if (type === "PushSubscription") {
      this.put(type, { ...value, id, code: `code-${id}`, expires: this.pushEnd() });
      return { id, keys: null, expires: this.pushEnd() };
    }
    this.put(type, { ...value, id, ...(type === "Mailbox" ? { myRights: {} } : {}) });
    return { id };
  }

  /** RFC 8621 §7.5 */
  private implied(args: Record<string, any>, result: Record<string, any>, id: string, responses: Call[]): void {
    const update: Record<string, any> = {};
    for (const [key, patch] of Object.entries<any>(args.onSuccessUpdateEmail ?? {})) {
      const submission = key.startsWith("#") ? result.created[key.slice(1)]?.id : key in result.updated ? key : null;
      if (submission) update[this.get("EmailSubmission", submission)!.emailId] = patch;
    }
    if (Object.keys(update).length) responses.push(["Email/set", this.set("Email", { update }), id]);
  }
}

function slowly(text: string, { pieces, pass }: { pieces: number; pass: (ms: number) => void }): Response {
  const bytes = new TextEncoder().encode(text);
  const size = Math.ceil(bytes.length / pieces);
  let at = 0;
  return new Response(new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      if (at >= bytes.length) return controller.close();
      await new Promise((go) => setImmediate(go));
      pass(1_000);
      controller.enqueue(bytes.slice(at, (at += size)));
    },
  }));
}

function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json" } });
}

/** Result references and creation ids. RFC 8620 §3.7, §5.3 */
function resolve(args: Record<string, any>, responses: Call[]): Record<string, any> {
  const made: Record<string, string> = {};
  for (const [, result] of responses) for (const [key, value] of Object.entries<any>(result.created ?? {})) made[`#${key}`] = value.id;
  const found: Record<string, any> = {};
  for (const [name, value] of Object.entries(args)) {
    if (name.startsWith("#")) {
      const from = responses.find((each) => each[2] === value.resultOf && each[0] === value.name);
      if (!from) throw new MethodError("invalidResultReference");
      found[name.slice(1)] = pointed(from[1], value.path.split("/").slice(1));
    } else found[name] = value;
  }
  if (found.create) {
    found.create = Object.fromEntries(Object.entries<any>(found.create).map(([key, value]) => [key, value.emailId in made ? { ...value, emailId: made[value.emailId] } : value]));
  }
  return found;
}

function pointed(value: any, [word, ...rest]: string[]): any {
  if (word === undefined) return value;
  if (word === "*") return (value as any[]).flatMap((each) => pointed(each, rest));
  return pointed(value[word], rest);
}

function apply(value: Thing, patch: Record<string, any>): Thing {
  const copy = structuredClone(value);
  for (const [path, change] of Object.entries(patch)) {
    const words = path.split("/").map((each) => each.replace(/~1/g, "/").replace(/~0/g, "~"));
    let at: any = copy;
    for (const word of words.slice(0, -1)) at = at[word] ??= {};
    if (change === null && words.length > 1) delete at[words.at(-1)!];
    else at[words.at(-1)!] = change;
  }
  return copy;
}

function fits(value: Thing, filter: Record<string, any>): boolean {
  if (filter.operator) {
    const test = (each: any) => fits(value, each);
    return filter.operator === "AND" ? filter.conditions.every(test) : filter.operator === "OR" ? filter.conditions.some(test) : !filter.conditions.some(test);
  }
  return Object.entries<any>(filter).every(([name, wanted]) => {
    switch (name) {
      case "inMailbox": return value.mailboxIds[wanted];
      case "inMailboxOtherThan": return Object.keys(value.mailboxIds).some((id) => !wanted.includes(id));
      case "after": return value.receivedAt >= wanted;
      case "before": return value.receivedAt < wanted;
      case "hasKeyword": return value.keywords[wanted];
      case "notKeyword": return !value.keywords[wanted];
      case "header": return value.messageId?.some((each: string) => each.includes(wanted[1]));
      case "emailIds": return wanted.includes(value.emailId);
      case "uid": return value.uid === wanted;
      case "text": return JSON.stringify([value.subject, value.text, value.from, value.to]).toLowerCase().includes(String(wanted).toLowerCase());
      case "subject": return value.subject.toLowerCase().includes(String(wanted).toLowerCase());
      default: return true;
    }
  });
}
