/** Where the customer is, spelled in the address's fragment, so that any static host can serve the webmail.
 *
 *   #/mail/<role or mailbox id>[/<thread>]     #/search/<query>[/<thread>]
 *   #/compose/new?to=…&subject=…               #/compose/<reply|replyAll|forward|asAttachment>/<email id>
 *   #/compose/draft/<id>                       #/contacts[/<id>]     #/settings[/<page>]
 *
 * The address alone says what is shown: it can be reloaded, opened in a second tab and kept as a bookmark.
 */

import { signal } from "@preact/signals";
import { askWindow, hasRoom } from "../compose/asked";

export type ComposeKind = "new" | "draft" | "reply" | "replyAll" | "forward" | "asAttachment";

export type MailRoute = { view: "mail"; mailbox: string; thread?: string };
export type SearchRoute = { view: "search"; query: string; thread?: string };
/** `about`: the Email answered or forwarded, or the draft's id; `fields`: to, cc, bcc, subject, body of mailto: */
export type ComposeRoute = { view: "compose"; kind: ComposeKind; about?: string; fields: Record<string, string> };
export type ContactsRoute = { view: "contacts"; contact?: string };
export type SettingsRoute = { view: "settings"; page?: string };
export type Route = MailRoute | SearchRoute | ComposeRoute | ContactsRoute | SettingsRoute;

const KINDS: readonly string[] = ["new", "draft", "reply", "replyAll", "forward", "asAttachment"];
const HOME: Route = { view: "mail", mailbox: "inbox" };

/** The route that a fragment names; one that names nothing is the inbox. */
export function parse(fragment: string): Route {
  const [path = "", query = ""] = fragment.replace(/^#?\/?/, "").split("?");
  const [view, first, second] = path.split("/").map(plain);
  switch (view) {
    case "mail":
      return first ? withThread({ view, mailbox: first }, second) : HOME;
    case "search":
      return first ? withThread({ view, query: first }, second) : HOME;
    case "compose": {
      const kind = (KINDS.includes(first ?? "") ? first : "new") as ComposeKind;
      const fields = Object.fromEntries(new URLSearchParams(query));
      return second ? { view, kind, about: second, fields } : { view, kind: "new", fields };
    }
    case "contacts":
      return first ? { view, contact: first } : { view };
    case "settings":
      return first ? { view, page: first } : { view };
    default:
      return HOME;
  }
}

/** The fragment that names a route, "#" included. */
export function href(route: Route): string {
  const parts: (string | undefined)[] = [route.view];
  let fields = "";
  if (route.view === "mail") parts.push(route.mailbox, route.thread);
  else if (route.view === "search") parts.push(route.query, route.thread);
  else if (route.view === "contacts") parts.push(route.contact);
  else if (route.view === "settings") parts.push(route.page);
  else {
    parts.push(route.kind, route.about);
    fields = new URLSearchParams(route.fields).toString();
  }
  const path = parts.filter((each) => each).map((each) => encodeURIComponent(each as string));
  return `#/${path.join("/")}${fields ? `?${fields}` : ""}`;
}

export const route = signal<Route>(parse(location.hash));

addEventListener("hashchange", () => {
  route.value = parse(location.hash);
});

/** Goes there; `replace` leaves no step to come back to. */
export function go(to: Route, replace = false): void {
  const fragment = href(to);
  if (fragment === location.hash) return;
  if (replace) {
    history.replaceState(null, "", fragment);
    route.value = parse(fragment);
  } else {
    location.hash = fragment;
  }
}

/** Starts a message: a new one, or about an Email or a draft. In a window of its own where there is room. */
export function compose(kind: ComposeKind, about?: string, fields: Record<string, string> = {}): void {
  const to: ComposeRoute = { view: "compose", kind, ...(about ? { about } : {}), fields };
  if (hasRoom()) askWindow(to);
  else go(to);
}

/** The conversation is closed, its list stays. */
export function closeThread(): void {
  const now = route.value;
  if (now.view === "mail") go({ view: "mail", mailbox: now.mailbox });
  else if (now.view === "search") go({ view: "search", query: now.query });
}

/** Opens a conversation beside the list that is shown; the inbox's where none is. */
export function openThread(thread: string, replace = false): void {
  const now = route.value;
  if (now.view === "search") go({ ...now, thread }, replace);
  else go({ view: "mail", mailbox: now.view === "mail" ? now.mailbox : "inbox", thread }, replace);
}

function withThread<R extends MailRoute | SearchRoute>(to: R, thread: string | undefined): R {
  return thread ? { ...to, thread } : to;
}

function plain(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
