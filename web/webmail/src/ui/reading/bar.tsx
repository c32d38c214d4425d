/** Over a conversation: what can be done to it, and the next and the last one. */

import type { Message } from "../../data";
import { t } from "../../texts";
import { act, openKey, walk, type Target } from "../acts";
import { ask } from "../choose/asked";
import { beside, narrow } from "../layout";
import { mailboxNow } from "../list/current";
import { destroyAsked } from "../list/destroy";
import { moving, snoozing } from "../list/row_menu";
import { Menu, type MenuEntry } from "../pieces/menu";
import { Tool } from "../pieces/tool";
import { closeThread } from "../router";
import { printMessages } from "./print";

export function ConversationBar({
  messages,
  onUnfold,
  allOpen,
}: {
  messages: Message[];
  onUnfold: () => void;
  allOpen: boolean;
}) {
  const of: Target = { emails: messages.map((each) => each.id), keys: [openKey() ?? ""] };
  const role = mailboxNow.value?.role ?? null;
  const final = role === "trash" || role === "junk";
  const starred = messages.some((each) => each.starred);
  const own = beside.value === "own";
  return (
    <div class="conversation-bar" role="toolbar" aria-label={t("read.bar")}>
      {own && !narrow.value && <Tool icon="back" text={t("back")} run={closeThread} />}
      {role !== "archive" && role !== "trash" && (
        <Tool icon="archive" text={t("act.archive")} run={() => act("archive", { of })} />
      )}
      {role === "junk" && <Tool icon="inbox" text={t("act.notJunk")} run={() => act("notJunk", { of })} />}
      <Tool
        icon="trash"
        text={t(final ? "act.destroy" : "act.trash")}
        run={() => (final ? destroyAsked(of) : act("trash", { of }))}
      />
      <Tool
        icon="unread"
        text={t("act.unread")}
        run={() => (act("unread", { of: { emails: of.emails.slice(-1), keys: [] } }), closeThread())}
      />
      {snoozing() && <Tool icon="clock" text={t("act.snooze")} run={() => ask("snooze", of)} />}
      <Tool icon="move" text={t("act.move")} run={() => ask("move", of)} />
      {!narrow.value && <Tool icon="label" text={t("act.label")} run={() => ask("label", of)} />}
      <Menu label={t("more")} items={() => more(messages, of, starred, onUnfold, allOpen)} />
      <span class="bar-room" />
      <Tool icon="up" text={t("keys.previous")} run={() => void walk(-1)} />
      <Tool icon="down" text={t("keys.next")} run={() => void walk(1)} />
      {!own && <Tool icon="close" text={t("read.close")} run={closeThread} />}
    </div>
  );
}

function more(messages: Message[], of: Target, starred: boolean, onUnfold: () => void, allOpen: boolean): MenuEntry[] {
  return [
    {
      text: t(starred ? "act.unstar" : "act.star"),
      icon: "star",
      run: () =>
        act(starred ? "unstar" : "star", { of: starred ? of : { emails: of.emails.slice(-1), keys: of.keys } }),
    },
    ...moving(of).filter((each) => each !== "-"),
    "-",
    ...(messages.length > 1
      ? [
          {
            text: t(allOpen ? "read.foldAll" : "read.unfoldAll"),
            icon: allOpen ? "up" : "down",
            run: onUnfold,
          } satisfies MenuEntry,
        ]
      : []),
    { text: t("read.print"), icon: "print", run: () => void printMessages(messages) },
  ];
}
