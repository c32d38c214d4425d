/** "Move to", "Labels" and "Go to": a mailbox is chosen by typing some of its name. */

import { useState } from "preact/hooks";
import { mail, type Id, type Mailbox } from "../../data";
import { t } from "../../texts";
import { act, target, type Target } from "../acts";
import { list, mailboxNow, rowOf, selected } from "../list/current";
import { mailboxIcon, mailboxName, mailboxSlug } from "../names";
import { Dialog } from "../pieces/dialog";
import { tell } from "../problem";
import { go } from "../router";
import { answered } from "./asked";
import { Chooser, type Choice } from "./chooser";

export function Move({ of }: { of: Target | null }) {
  const here = mailboxNow.value?.id;
  const all = (mail.mailboxes.all.value ?? []).filter((each) => each.may.add && each.id !== here && !fixed(each));
  const move = (to: Mailbox) => {
    answered();
    const extra = of ? { of } : {};
    if (to.role === "trash" || to.role === "junk" || to.role === "archive") act(to.role, extra);
    else act("move", { ...extra, to });
  };
  return (
    <Dialog title={t("choose.moveTo")} onClose={answered}>
      <Chooser
        label={t("choose.moveTo")}
        choices={all.map(choice)}
        onTake={(id) => withMailbox(id, move)}
        onMake={(name) => void make(name, move)}
      />
    </Dialog>
  );
}

export function Label({ of }: { of: Target | null }) {
  const meant = of ?? target();
  const had = labelsOf(meant);
  const [chosen, setChosen] = useState<ReadonlySet<Id>>(had);
  const all = (mail.mailboxes.all.value ?? []).filter((each) => each.may.add && each.role === null);
  const turn = (id: Id) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  const apply = () => {
    answered();
    for (const mailbox of all) {
      const wanted = chosen.has(mailbox.id);
      if (wanted !== had.has(mailbox.id))
        act(wanted ? "label" : "unlabel", { ...(meant ? { of: meant } : {}), to: mailbox });
    }
  };
  return (
    <Dialog
      title={t("choose.labels")}
      onClose={answered}
      foot={
        <>
          <button type="button" class="button" onClick={answered}>
            {t("cancel")}
          </button>
          <button type="button" class="button primary" onClick={apply}>
            {t("choose.apply")}
          </button>
        </>
      }
    >
      <p class="soft">{t("choose.labelsText")}</p>
      <Chooser
        several
        label={t("choose.labels")}
        choices={all.map((each) => ({ ...choice(each), icon: "label", checked: chosen.has(each.id) }))}
        onTake={turn}
        onMake={(name) => void make(name, (made) => turn(made.id))}
      />
    </Dialog>
  );
}

export function GoTo() {
  const all = mail.mailboxes.all.value ?? [];
  return (
    <Dialog title={t("choose.goTo")} onClose={answered}>
      <Chooser
        label={t("choose.goTo")}
        choices={all.map(choice)}
        onTake={(id) =>
          withMailbox(id, (mailbox) => {
            answered();
            go({ view: "mail", mailbox: mailboxSlug(mailbox) });
          })
        }
      />
    </Dialog>
  );
}

function choice(mailbox: Mailbox): Choice {
  return {
    id: mailbox.id,
    text: mailboxName(mailbox),
    icon: mailboxIcon(mailbox),
    depth: mailbox.depth,
    path: mailbox.path.slice(0, -1).join(" / "),
  };
}

/** Mailboxes that mail comes to by itself, not by being moved. */
function fixed(mailbox: Mailbox): boolean {
  return ["drafts", "scheduled", "snoozed", "all", "sent"].includes(mailbox.role ?? "");
}

function withMailbox(id: Id, then: (mailbox: Mailbox) => void): void {
  const mailbox = mail.mailboxes.byId(id);
  if (mailbox) then(mailbox);
}

async function make(name: string, then: (mailbox: Mailbox) => void): Promise<void> {
  const made = await mail.mailboxes.create(name);
  if (made.ok) withMailbox(made.value, then);
  else tell(made.problem);
}

/** Labels that all of the rows have. */
function labelsOf(of: Target | null): ReadonlySet<Id> {
  const rows = (of?.keys ?? []).map((key) => rowOf(key) ?? selected.peek().get(key)).filter((each) => !!each);
  if (rows.length === 0 || !list.peek()) return new Set();
  const own = new Set((mail.mailboxes.all.value ?? []).filter((each) => each.role === null).map((each) => each.id));
  const [first, ...others] = rows;
  return new Set(
    (first?.mailboxes ?? []).filter((id) => own.has(id) && others.every((row) => row.mailboxes.includes(id))),
  );
}
