/** Everything that can be done to a row, as a menu: the twin of swiping, dragging and keys. */

import { mail, type Row } from "../../data";
import { t } from "../../texts";
import { act, ofRows, turnStar, type Target } from "../acts";
import { ask } from "../choose/asked";
import { mailboxNow, toggle } from "./current";
import type { MenuEntry } from "../pieces/menu";
import { compose } from "../router";
import { destroyAsked } from "./destroy";

export function rowMenu(row: Row): MenuEntry[] {
  const of = ofRows([row]);
  const last = row.emails.at(-1);
  const answer: MenuEntry[] = last
    ? [
        { text: t("reply"), icon: "reply", run: () => compose("reply", last) },
        { text: t("replyAll"), icon: "replyAll", run: () => compose("replyAll", last) },
        { text: t("forward"), icon: "forward", run: () => compose("forward", last) },
        "-",
      ]
    : [];
  return [
    ...answer,
    ...moving(of),
    "-",
    row.unread
      ? { text: t("act.read"), icon: "read", run: () => act("read", { of }) }
      : { text: t("act.unread"), icon: "unread", run: () => act("unread", { of }) },
    { text: t(row.starred ? "act.unstar" : "act.star"), icon: "star", run: () => turnStar(row.starred, of) },
    "-",
    { text: t("act.select"), icon: "check", run: () => toggle(row) },
  ];
}

/** What takes mail elsewhere, as it makes sense where one is. */
export function moving(of: Target): MenuEntry[] {
  const role = mailboxNow.peek()?.role ?? null;
  const entries: (MenuEntry | false)[] = [
    role !== "archive" &&
      role !== "trash" && { text: t("act.archive"), icon: "archive", run: () => act("archive", { of }) },
    role === "trash" || role === "junk"
      ? { text: t("act.destroy"), icon: "trash", danger: true, run: () => destroyAsked(of) }
      : { text: t("act.trash"), icon: "trash", run: () => act("trash", { of }) },
    role === "junk"
      ? { text: t("act.notJunk"), icon: "inbox", run: () => act("notJunk", { of }) }
      : role !== "sent" && role !== "drafts" && { text: t("act.junk"), icon: "junk", run: () => act("junk", { of }) },
    { text: t("act.move"), icon: "move", run: () => ask("move", of) },
    { text: t("act.label"), icon: "label", run: () => ask("label", of) },
    snoozing() &&
      (role === "snoozed"
        ? { text: t("act.unsnooze"), icon: "clock", run: () => act("unsnooze", { of }) }
        : { text: t("act.snooze"), icon: "clock", run: () => ask("snooze", of) }),
  ];
  return entries.filter((each): each is MenuEntry => each !== false);
}

/** Whether this server snoozes. */
export function snoozing(): boolean {
  const session = mail.session.signIn.value;
  return session.state === "in" && session.account.can.snooze;
}
