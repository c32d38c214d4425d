/** The parts of RFC 8620, 8621, 9425 and 9610 that are spoken here, as they are on the wire. */

export interface Session {
  capabilities: Record<string, Record<string, unknown>>;
  accounts: Record<string, { name: string; accountCapabilities: Record<string, Record<string, unknown>> }>;
  primaryAccounts: Record<string, string>;
  username: string;
  apiUrl: string;
  downloadUrl: string;
  uploadUrl: string;
  eventSourceUrl: string;
  state: string;
}

export const CORE = "urn:ietf:params:jmap:core";
export const MAIL = "urn:ietf:params:jmap:mail";
export const SUBMISSION = "urn:ietf:params:jmap:submission";
export const CONTACTS = "urn:ietf:params:jmap:contacts";
export const QUOTA = "urn:ietf:params:jmap:quota";
export const VAPID = "urn:ietf:params:jmap:webpush-vapid";
export const WEBMAIL = "https://holdfast.dev/ns/webmail";

export type Call = [name: string, args: Record<string, unknown>, id: string];

/** The result of an earlier call of the same request as an argument. RFC 8620 §3.7 */
export const ref = (resultOf: string, name: string, path: string) => ({ resultOf, name, path });

export interface GetResult<T> { state: string; list: T[]; notFound: string[] }
export interface ChangesResult {
  oldState: string; newState: string; hasMoreChanges: boolean; created: string[]; updated: string[]; destroyed: string[];
}
export interface QueryResult { queryState: string; position: number; ids: string[]; total?: number }
export interface SetError { type: string; description?: string | null; [more: string]: unknown }
export interface SetResult {
  oldState: string | null; newState: string;
  created: Record<string, { id: string; [more: string]: unknown }> | null;
  updated: Record<string, Record<string, unknown> | null> | null;
  destroyed: string[] | null;
  notCreated: Record<string, SetError> | null;
  notUpdated: Record<string, SetError> | null;
  notDestroyed: Record<string, SetError> | null;
}

export interface Address { name: string | null; email: string }

export interface JmapMailbox {
  id: string; name: string; parentId: string | null; role: string | null; sortOrder: number;
  totalEmails: number; unreadEmails: number; totalThreads: number; unreadThreads: number;
  myRights: Record<string, boolean>; isSubscribed: boolean;
}

/** What lists show; what is kept of every Email on this device. */
export interface JmapEmail {
  id: string; threadId: string; mailboxIds: Record<string, true>; keywords: Record<string, true>;
  from: Address[] | null; to: Address[] | null; cc: Address[] | null; subject: string | null;
  receivedAt: string; size: number; hasAttachment: boolean; preview: string;
}
export const LISTED = [
  "id", "threadId", "mailboxIds", "keywords", "from", "to", "cc", "subject", "receivedAt", "size", "hasAttachment", "preview",
];

export interface Part {
  partId: string | null; blobId: string | null; size: number; name: string | null; type: string;
  charset: string | null; disposition: string | null; cid: string | null;
}
export interface BodyValue { value: string; isEncodingProblem?: boolean; isTruncated?: boolean }

/** What reading shows beside. */
export interface JmapBody {
  id: string; blobId: string; bcc: Address[] | null; replyTo: Address[] | null; sentAt: string | null;
  messageId: string[] | null; inReplyTo: string[] | null; references: string[] | null;
  bodyValues: Record<string, BodyValue>; htmlBody: Part[]; textBody: Part[]; attachments: Part[];
  "header:List-Unsubscribe:asURLs": string[] | null;
  "header:List-Unsubscribe-Post:asText": string | null;
  "header:Authentication-Results:asText": string | null;
}
export const READ = [
  "id", "blobId", "bcc", "replyTo", "sentAt", "messageId", "inReplyTo", "references", "bodyValues", "htmlBody", "textBody",
  "attachments", "header:List-Unsubscribe:asURLs", "header:List-Unsubscribe-Post:asText", "header:Authentication-Results:asText",
];
export const PART = ["partId", "blobId", "size", "name", "type", "charset", "disposition", "cid"];

export interface JmapThread { id: string; emailIds: string[] }

export interface JmapIdentity {
  id: string; name: string; email: string; replyTo: Address[] | null; bcc: Address[] | null;
  textSignature: string; htmlSignature: string; mayDelete: boolean;
}
export interface JmapQuota { id: string; resourceType: string; scope: string; used: number; hardLimit: number; types: string[] }
export interface JmapSubmission { id: string; emailId: string; undoStatus: "pending" | "final" | "canceled"; sendAt: string }
