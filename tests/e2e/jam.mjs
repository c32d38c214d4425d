// A mail program written with jmap-jam, a public client library: what it finds is printed as one line of JSON.
// Environment: MODULE, SESSION, TOKEN.

const { JamClient } = await import(`file://${process.env.MODULE}`);
const authorization = `Bearer ${process.env.TOKEN}`;

// Node's own is behind a flag, and a browser's can't sign in: the library takes whatever is called so.
globalThis.EventSource = class extends EventTarget {
  constructor(url) {
    super();
    void this.read(url);
  }

  async read(url) {
    const answer = await fetch(url, { headers: { authorization, accept: "text/event-stream" } });
    this.status = answer.status;
    this.dispatchEvent(new Event("open"));
    let text = "";
    for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
      text += piece;
      for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
        const fields = Object.fromEntries(text.slice(0, end).split("\n").map((line) => line.split(/: (.*)/s)));
        if (fields.event) this.dispatchEvent(Object.assign(new Event(fields.event), { data: fields.data }));
      }
    }
    this.dispatchEvent(new Event("close"));
  }
};

const jam = new JamClient({ sessionUrl: process.env.SESSION, bearerToken: process.env.TOKEN });
const found = {};
const accountId = await jam.getPrimaryAccount();
found.username = (await jam.session).username;

// Mailboxes, then a query whose result the next calls refer to.
const [mailboxes] = await jam.api.Mailbox.get({ accountId });
const inbox = mailboxes.list.find((each) => each.role === "inbox");
const drafts = mailboxes.list.find((each) => each.role === "drafts");
const [{ emails, threads }] = await jam.requestMany((t) => {
  const query = t.Email.query({
    accountId,
    filter: { inMailbox: inbox.id },
    sort: [{ property: "receivedAt", isAscending: false }],
    collapseThreads: true,
    calculateTotal: true,
  });
  const emails = t.Email.get({
    accountId,
    ids: query.$ref("/ids"),
    properties: ["subject", "threadId", "from", "keywords", "preview", "blobId"],
  });
  const threads = t.Thread.get({ accountId, ids: emails.$ref("/list/*/threadId") });
  return { query, emails, threads };
});
found.subjects = emails.list.map((each) => each.subject);
found.from = emails.list[0].from[0].email;
found.threads = threads.list.map((each) => each.emailIds.length);

// A file goes up, comes back, and goes into a draft.
const bytes = new Uint8Array(100_000).map((_, at) => at % 251);
const uploaded = await jam.uploadBlob(accountId, new Blob([bytes], { type: "application/x-test" }));
const back = await jam.downloadBlob({
  accountId, blobId: uploaded.blobId, mimeType: "application/x-test", fileName: "a file.bin",
});
const got = new Uint8Array(await back.arrayBuffer());
found.sameBytes = got.length === bytes.length && got.every((each, at) => each === bytes[at]);
found.type = back.headers.get("content-type");

// What changes is told while it waits.
const source = await jam.connectEventSource({ types: ["Email", "Mailbox"], ping: 60, closeafter: "state" });
await new Promise((resolve) => source.addEventListener("open", resolve, { once: true }));
found.eventSource = source.status;
const told = new Promise((resolve) => source.addEventListener("state", resolve, { once: true }));

const [made] = await jam.api.Email.set({
  accountId,
  create: {
    draft: {
      mailboxIds: { [drafts.id]: true },
      keywords: { $draft: true, $seen: true },
      from: [{ email: found.username }],
      to: [{ name: "Bén", email: "ben@example.org" }],
      subject: "Grüße",
      bodyValues: { text: { value: "Hallo Bén\n" } },
      textBody: [{ partId: "text", type: "text/plain" }],
      attachments: [{ blobId: uploaded.blobId, type: "application/x-test", name: "a file.bin" }],
    },
  },
});
found.notCreated = made.notCreated;
const draft = made.created.draft.id;
found.told = JSON.parse((await told).data).changed[accountId];

const [read] = await jam.api.Email.get({
  accountId, ids: [draft], properties: ["subject", "to", "attachments", "bodyValues", "textBody", "hasAttachment"],
  fetchTextBodyValues: true,
});
const [email] = read.list;
found.draft = {
  subject: email.subject, to: email.to[0], hasAttachment: email.hasAttachment,
  attachment: [email.attachments[0].name, email.attachments[0].size], text: Object.values(email.bodyValues)[0].value,
};

// Moved, flagged, destroyed; the changes since then are exactly those.
const first = emails.list[0].id;
const [moved] = await jam.api.Email.set({
  accountId, update: { [first]: { "keywords/$flagged": true } }, destroy: [draft],
});
found.moved = [Object.keys(moved.updated), moved.destroyed.length];
const [changes] = await jam.api.Email.changes({ accountId, sinceState: read.state });
found.changes = [changes.created, changes.updated.length, changes.destroyed.length];

// What is wrong is said so.
found.wrong = await jam.request(["Email/get", { accountId: "nobody", ids: [] }]).catch((error) => error.type);
console.log(JSON.stringify(found));
process.exit(0);
