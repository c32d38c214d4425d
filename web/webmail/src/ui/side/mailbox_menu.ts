/** What can be done to a mailbox. */

import { mail, type Mailbox } from "../../data";
import { t } from "../../texts";
import type { MenuEntry } from "../pieces/menu";
import { tell } from "../problem";
import { toast } from "../pieces/toast";
import { mailboxName } from "../names";
import { asking } from "./mailbox_dialogs";

export function mailboxMenu(mailbox: Mailbox): MenuEntry[] {
  const final = mailbox.role === "trash" || mailbox.role === "junk";
  const online = mail.connection.now.peek().state === "online";
  const entries: (MenuEntry | false)[] = [
    { text: t("mailbox.allRead"), icon: "read", disabled: mailbox.unread === 0, run: () => void allRead(mailbox) },
    final && {
      text: t("mailbox.empty"),
      icon: "trash",
      danger: true,
      disabled: !online || mailbox.total === 0,
      run: () => (asking.value = { what: "empty", mailbox }),
    },
    "-",
    mailbox.may.nest && {
      text: t("mailbox.newInside"),
      icon: "plus",
      run: () => (asking.value = { what: "new", parent: mailbox }),
    },
    mailbox.may.rename &&
      mailbox.role === null && {
        text: t("mailbox.rename"),
        icon: "write",
        run: () => (asking.value = { what: "rename", mailbox }),
      },
    mailbox.may.rename &&
      mailbox.role === null && {
        text: t("mailbox.nest"),
        icon: "move",
        run: () => (asking.value = { what: "nest", mailbox }),
      },
    mailbox.may.delete &&
      mailbox.role === null && {
        text: t("mailbox.delete"),
        icon: "trash",
        danger: true,
        run: () => (asking.value = { what: "delete", mailbox }),
      },
  ];
  const left = entries.filter((each): each is MenuEntry => each !== false);
  return left.at(-1) === "-" ? left.slice(0, -1) : left;
}

/** Everything in it is marked read, also what isn't on this device. */
async function allRead(mailbox: Mailbox): Promise<void> {
  const unread = mail.lists.open({ in: { mailbox: mailbox.id }, conversations: false, unreadOnly: true });
  const everything = await unread.everything();
  unread.close();
  if (!everything.ok) return tell(everything.problem);
  const outcome = await mail.actions.read(everything.value);
  if (!outcome.ok) return tell(outcome.problem);
  const undo = outcome.value.undoable ? { undo: () => void mail.actions.undo(outcome.value.number) } : {};
  toast({ text: t("mailbox.allReadDone", { name: mailboxName(mailbox) }), ...undo });
}
