/** Parts of the webmail in chunks of their own, loaded when they are first shown.
 *
 * Each part's `index.tsx` exports the component by default and takes the props named here. It fills the room
 * right of the mailboxes (all of it on a telephone) inside <main>, scrolls by itself and has the page's <h1>.
 */

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Id } from "../data";
import { t } from "../texts";
import type { ComposeRoute, ContactsRoute, SettingsRoute } from "./router";
import { Trouble } from "./trouble";

/** `onDone`: the message was sent, kept as a draft or thrown away; goes back to where the customer came from. */
export interface ComposeProps {
  route: ComposeRoute;
  onDone: () => void;
}
export interface ContactsProps {
  route: ContactsRoute;
}
export interface SettingsProps {
  route: SettingsRoute;
}

/** `open` is a row's key: a thread's id, or an Email's in a list of messages. */
export interface ConversationProps {
  open: Id;
}

const conversation = () => import("./reading/conversation");
export const Conversation = later<ConversationProps>(conversation);
const parts = [
  () => import("../compose"),
  () => import("../compose/dock"),
  () => import("../contacts"),
  () => import("../settings"),
] as const;
export const Compose = later<ComposeProps>(parts[0]);
/** Windows in which messages are written beside everything else: `asked` of src/compose says which. */
export const Dock = later<object>(parts[1]);
export const Contacts = later<ContactsProps>(parts[2]);
export const Settings = later<SettingsProps>(parts[3]);

/**
 * Fetches what will be wanted next, once the list stands; where no service worker keeps the rest, that too.
 * Returns what calls it off while it hasn't begun.
 */
export function fetchAhead(): () => void {
  const fetchIt = async () => {
    const alone = !navigator.serviceWorker?.controller;
    for (const part of [conversation, ...(alone ? parts : [])]) await part().catch(() => undefined);
  };
  if (typeof requestIdleCallback === "function") {
    const asked = requestIdleCallback(fetchIt);
    return () => cancelIdleCallback(asked);
  }
  const timer = setTimeout(fetchIt, 300);
  return () => clearTimeout(timer);
}

/** A component that is fetched when it is first drawn; says so where it can't be had. */
export function later<P extends object>(fetchIt: () => Promise<{ default: ComponentType<P> }>): ComponentType<P> {
  let had: ComponentType<P> | undefined;
  return function Later(props: P) {
    const [Part, setPart] = useState<ComponentType<P> | undefined>(() => had);
    const [failed, setFailed] = useState(false);
    const attempt = () => {
      setFailed(false);
      fetchIt().then(
        (chunk) => {
          had = chunk.default;
          setPart(() => chunk.default);
        },
        () => setFailed(true),
      );
    };
    useEffect(() => {
      if (!Part) attempt();
    }, []);
    if (Part) return <Part {...props} />;
    if (failed) return <Trouble title={t("part.failed")} text={t("part.failedText")} onAgain={attempt} />;
    return <div class="part-waiting" aria-busy="true" />;
  };
}
