/** A conversation: its messages folded or unfolded, what can be done to it, and where reading goes on. */

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { mail, type Id, type Message, type ThreadView } from "../../data";
import { t } from "../../texts";
import { act } from "../acts";
import { useCommands } from "../keys/dispatch";
import { beside } from "../layout";
import { mailboxNow, rowOf } from "../list/current";
import { mailboxIcon, mailboxName, mailboxSlug } from "../names";
import { Icon } from "../pieces/icon";
import { whatFailed, whatNow } from "../problem";
import { compose, go } from "../router";
import { setting } from "../setting";
import type { ConversationProps } from "../slots";
import { Trouble } from "../trouble";
import { PictureDialog } from "./attachments";
import { ConversationBar } from "./bar";
import { MessageView } from "./message";
import { printing } from "./print";
import { headingWanted, shownMessages } from "./shown";
import { SourceDialog } from "./source";

const READ_AFTER_MS = 3000;
const FEW = 3; // so many folded ones in a row are shown; more become one line

export default function Conversation({ open }: ConversationProps) {
  return (
    <>
      <Asked open={open} />
      <SourceDialog />
      <PictureDialog />
    </>
  );
}

function Asked({ open }: ConversationProps) {
  const row = rowOf(open);
  const [thread, setThread] = useState<Id | null>(() => row?.thread ?? (setting("conversations") ? open : null));
  const only = setting("conversations") ? null : open;
  const [gone, setGone] = useState<string | null>(null);
  useEffect(() => {
    if (thread !== null) return;
    void mail.threads
      .message(open)
      .then((asked) =>
        asked.ok ? setThread(asked.value.thread) : setGone(`${whatFailed(asked.problem)}. ${whatNow(asked.problem)}`),
      );
  }, []);
  if (gone) return <Trouble title={t("read.failed")} text={gone} />;
  return thread === null ? <Waiting /> : <Opened thread={thread} only={only} />;
}

function Opened({ thread, only }: { thread: Id; only: Id | null }) {
  const view = useMemo(() => mail.threads.open(thread), [thread]);
  useEffect(() => () => view.close(), [view]);
  const all = view.messages.value;
  const messages = useMemo(() => (all && only ? all.filter((each) => each.id === only) : all), [all, only]);
  useEffect(() => {
    shownMessages.value = messages ?? [];
    return () => {
      shownMessages.value = [];
    };
  }, [messages]);
  if (messages === null) {
    const problem = view.problem.value;
    if (problem) return <Trouble title={whatFailed(problem)} text={whatNow(problem)} />;
    return <Waiting />;
  }
  if (messages.length === 0) return <Trouble title={t("read.gone")} text={t("read.goneText")} />;
  return <Shown view={view} messages={messages} />;
}

function Shown({ view, messages: all }: { view: ThreadView; messages: Message[] }) {
  const folds = useFolds(all);
  const { toggle, unfoldAll } = folds;
  const paper = printing.value;
  const open = paper ?? folds.open;
  const messages = paper ? all.filter((each) => paper.has(each.id)) : all;
  const [stacked, setStacked] = useState(true);
  const subject = messages[0]?.subject || t("subject.none");
  const heading = useRef<HTMLHeadingElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  useRead(all, folds.open);
  useLayoutEffect(() => {
    for (const id of open) view.need(id);
  }, [open]);
  useEffect(() => {
    scroller.current?.querySelector(".message.first-new")?.scrollIntoView({ block: "start" });
    if (beside.peek() === "own" || headingWanted.peek()) heading.current?.focus({ preventScroll: true });
    headingWanted.value = false;
  }, []);
  const newest = messages.filter((each) => !each.draft).at(-1) ?? messages.at(-1);
  useCommands({
    nextMessage: () => stepMessage(scroller.current, 1),
    previousMessage: () => stepMessage(scroller.current, -1),
    unfoldAll,
    reply: () => newest && compose("reply", newest.id),
    replyAll: () => newest && compose("replyAll", newest.id),
    forward: () => newest && compose("forward", newest.id),
  });
  const firstNew = messages.findIndex((each) => open.has(each.id));
  const hidden = stacked ? inStack(messages, open) : [];
  return (
    <article class="conversation" aria-label={subject}>
      <ConversationBar messages={messages} onUnfold={unfoldAll} allOpen={open.size >= messages.length} />
      <div class="conversation-scroll" ref={scroller} tabIndex={-1}>
        <header class="conversation-head">
          <h2 ref={heading} tabIndex={-1} class="conversation-subject">
            {subject}
          </h2>
          <Chips messages={messages} />
        </header>
        <div class="messages">
          {messages.map((message, place) => {
            if (hidden.includes(message.id)) {
              if (hidden[0] !== message.id) return null;
              return (
                <button key="stack" type="button" class="message-stack" onClick={() => setStacked(false)}>
                  <Icon name="down" />
                  {t("read.older", { n: hidden.length })}
                </button>
              );
            }
            return (
              <MessageView
                key={message.id}
                message={message}
                open={open.has(message.id)}
                alone={messages.length === 1}
                firstNew={place === firstNew && place > 0}
                onToggle={() => toggle(message.id)}
                onNeed={() => view.need(message.id)}
              />
            );
          })}
        </div>
        {newest && <AnswerRow message={newest} />}
      </div>
    </article>
  );
}

/** The focus goes to the next message or the one before. */
function stepMessage(scroller: HTMLElement | null, by: 1 | -1): void {
  const all = [...(scroller?.querySelectorAll<HTMLElement>(".message") ?? [])];
  const now = all.findIndex((each) => each.contains(document.activeElement));
  const next = all[Math.max(0, Math.min(all.length - 1, now + by))];
  next?.querySelector<HTMLElement>(".message-fold")?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

/** Unfolded at first: what is new, and the last one. What comes in while reading is unfolded too. */
function useFolds(messages: Message[]) {
  const [turned, setTurned] = useState<ReadonlyMap<Id, boolean>>(new Map());
  const begun = useRef<ReadonlySet<Id> | null>(null);
  begun.current ??= new Set(
    messages.filter((each, place) => each.unread || place === messages.length - 1).map((each) => each.id),
  );
  const known = useRef(new Set(messages.map((each) => each.id)));
  const open = useMemo(() => {
    const now = new Set<Id>();
    for (const { id } of messages)
      if (turned.get(id) ?? (begun.current?.has(id) || !known.current.has(id))) now.add(id);
    return now;
  }, [messages, turned]);
  const toggle = (id: Id) => setTurned(new Map(turned).set(id, !open.has(id)));
  const unfoldAll = () => {
    const every = open.size < messages.length;
    setTurned(new Map(messages.map((each, place) => [each.id, every || place === messages.length - 1])));
  };
  return { open, toggle, unfoldAll };
}

/** Folded ones between the first and the last, when they are many. */
function inStack(messages: Message[], open: ReadonlySet<Id>): Id[] {
  const run: Id[] = [];
  for (const { id } of messages.slice(1, -1)) {
    if (open.has(id)) break;
    run.push(id);
  }
  return run.length > FEW ? run : [];
}

/** Marks read what is unfolded: at once, after a while, or never, as the customer wants it. */
function useRead(messages: Message[], open: ReadonlySet<Id>): void {
  const when = setting("markRead");
  const marked = useRef(new Set<Id>());
  const unread = messages
    .filter((each) => each.unread && open.has(each.id) && !marked.current.has(each.id))
    .map((each) => each.id);
  const key = unread.join(" ");
  useEffect(() => {
    if (!key || when === "never") return;
    const mark = () => {
      for (const id of unread) marked.current.add(id);
      void mail.actions.read(unread);
    };
    const clock = setTimeout(mark, when === "now" ? 0 : READ_AFTER_MS);
    return () => clearTimeout(clock);
  }, [key, when]);
}

/** The mailboxes it stands in: a label can be taken away here. */
function Chips({ messages }: { messages: Message[] }) {
  const ids = [...new Set(messages.flatMap((each) => each.mailboxes))];
  const here = mailboxNow.value?.id;
  const boxes = ids.map((id) => mail.mailboxes.byId(id)).filter((each) => each !== null);
  const emails = messages.map((each) => each.id);
  return (
    <ul class="chips" aria-label={t("read.mailboxes")}>
      {boxes.map((box) => (
        <li key={box.id} class="chip">
          <Icon name={mailboxIcon(box)} />
          <button type="button" class="chip-name" onClick={() => go({ view: "mail", mailbox: mailboxSlug(box) })}>
            {mailboxName(box)}
          </button>
          {box.role === null && box.may.remove && box.id !== here && boxes.length > 1 && (
            <button
              type="button"
              aria-label={t("read.unlabel", { name: box.name })}
              onClick={() => act("unlabel", { to: box, of: { emails, keys: [] } })}
            >
              <Icon name="close" />
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

function AnswerRow({ message }: { message: Message }) {
  const several = message.to.length + message.cc.length > 1;
  return (
    <div class="answers">
      <button type="button" class="button" onClick={() => compose("reply", message.id)}>
        <Icon name="reply" />
        {t("reply")}
      </button>
      {several && (
        <button type="button" class="button" onClick={() => compose("replyAll", message.id)}>
          <Icon name="replyAll" />
          {t("replyAll")}
        </button>
      )}
      <button type="button" class="button" onClick={() => compose("forward", message.id)}>
        <Icon name="forward" />
        {t("forward")}
      </button>
    </div>
  );
}

function Waiting() {
  return (
    <div class="conversation waiting" aria-busy="true">
      <div class="conversation-scroll">
        <span class="bone title" />
        <span class="bone line" />
        <span class="bone block" />
      </div>
    </div>
  );
}
