/** Questions about a mailbox: its name, where it stands, whether it goes. */

import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { mail, type Id, type Mailbox, type Outcome } from "../../data";
import { t } from "../../texts";
import { Chooser } from "../choose/chooser";
import { mailboxIcon, mailboxName, mailboxSlug } from "../names";
import { Confirm, Dialog } from "../pieces/dialog";
import { toast } from "../pieces/toast";
import { tell, whatFailed, whatNow } from "../problem";
import { go, route } from "../router";

export type Asking =
  { what: "new"; parent: Mailbox | null } | { what: "rename" | "nest" | "delete" | "empty"; mailbox: Mailbox };

export const asking = signal<Asking | null>(null);

const done = () => {
  asking.value = null;
};

export function MailboxDialogs() {
  const now = asking.value;
  if (!now) return null;
  switch (now.what) {
    case "new":
      return <Name key="new" parent={now.parent} />;
    case "rename":
      return <Name key={now.mailbox.id} mailbox={now.mailbox} parent={null} />;
    case "nest":
      return <Nest mailbox={now.mailbox} />;
    case "delete":
      return <Delete mailbox={now.mailbox} />;
    case "empty":
      return <EmptyIt mailbox={now.mailbox} />;
  }
}

function Name({ mailbox, parent }: { mailbox?: Mailbox; parent: Mailbox | null }) {
  const [name, setName] = useState(mailbox?.name ?? "");
  const [wrong, setWrong] = useState("");
  const save = async () => {
    const plain = name.trim();
    if (!plain) return setWrong(t("mailbox.nameMissing"));
    const siblings = (mail.mailboxes.all.peek() ?? []).filter(
      (each) => each.parent === (mailbox ? mailbox.parent : (parent?.id ?? null)),
    );
    if (siblings.some((each) => each.id !== mailbox?.id && each.name.toLocaleLowerCase() === plain.toLocaleLowerCase()))
      return setWrong(t("mailbox.nameTaken", { name: plain }));
    const outcome: Outcome<Id | void> = mailbox
      ? await mail.mailboxes.rename(mailbox.id, plain)
      : await mail.mailboxes.create(plain, parent?.id ?? null);
    if (!outcome.ok) return setWrong(`${whatFailed(outcome.problem)}. ${whatNow(outcome.problem)}`);
    done();
    if (!mailbox && outcome.value) go({ view: "mail", mailbox: outcome.value });
  };
  return (
    <Dialog
      title={
        mailbox
          ? t("mailbox.renameTitle", { name: mailboxName(mailbox) })
          : parent
            ? t("mailbox.newInsideTitle", { name: mailboxName(parent) })
            : t("mailbox.new")
      }
      onClose={done}
      onSubmit={() => void save()}
      foot={
        <>
          <button type="button" class="button" onClick={done}>
            {t("cancel")}
          </button>
          <button type="submit" class="button primary">
            {t(mailbox ? "mailbox.renameYes" : "mailbox.create")}
          </button>
        </>
      }
    >
      <div class="field">
        <label for="mailbox-name">{t("mailbox.name")}</label>
        <input
          id="mailbox-name"
          class="input"
          data-first
          autocomplete="off"
          maxLength={200}
          value={name}
          aria-invalid={wrong !== ""}
          aria-describedby={wrong ? "mailbox-wrong" : undefined}
          onInput={(event) => (setName(event.currentTarget.value), setWrong(""))}
        />
        {wrong && (
          <span id="mailbox-wrong" class="error" role="alert">
            {wrong}
          </span>
        )}
      </div>
      {!mailbox && <p class="soft">{t("mailbox.newText")}</p>}
    </Dialog>
  );
}

const TOP = "top";

function Nest({ mailbox }: { mailbox: Mailbox }) {
  const all = mail.mailboxes.all.value ?? [];
  const under = (each: Mailbox): boolean =>
    each.id === mailbox.id || (each.parent !== null && all.some((up) => up.id === each.parent && under(up)));
  const choices = all
    .filter((each) => each.may.nest && !under(each) && each.id !== mailbox.parent)
    .map((each) => ({
      id: each.id,
      text: mailboxName(each),
      icon: mailboxIcon(each),
      depth: each.depth,
      path: each.path.slice(0, -1).join(" / "),
    }));
  const take = async (id: Id) => {
    done();
    const outcome = await mail.mailboxes.nest(mailbox.id, id === TOP ? null : id);
    if (!outcome.ok) tell(outcome.problem);
  };
  return (
    <Dialog title={t("mailbox.nestTitle", { name: mailboxName(mailbox) })} onClose={done}>
      <Chooser
        label={t("mailbox.nestTitle", { name: mailboxName(mailbox) })}
        choices={mailbox.parent === null ? choices : [{ id: TOP, text: t("mailbox.top"), icon: "up" }, ...choices]}
        onTake={(id) => void take(id)}
      />
    </Dialog>
  );
}

function Delete({ mailbox }: { mailbox: Mailbox }) {
  const remove = async () => {
    const here = route.peek();
    const outcome = await mail.mailboxes.remove(mailbox.id);
    if (!outcome.ok) return tell(outcome.problem);
    if (here.view === "mail" && here.mailbox === mailboxSlug(mailbox)) go({ view: "mail", mailbox: "inbox" });
    toast({ text: t("mailbox.deleted", { name: mailboxName(mailbox) }) });
  };
  return (
    <Confirm
      danger
      title={t("mailbox.deleteTitle", { name: mailboxName(mailbox) })}
      text={mailbox.total ? t("mailbox.deleteText", { n: mailbox.total }) : t("mailbox.deleteEmpty")}
      yes={t("mailbox.delete")}
      onYes={() => void remove()}
      onClose={done}
    />
  );
}

function EmptyIt({ mailbox }: { mailbox: Mailbox }) {
  const empty = async () => {
    const outcome = await mail.mailboxes.empty(mailbox.id);
    if (outcome.ok) toast({ text: t("mailbox.emptied", { n: outcome.value }) });
    else tell(outcome.problem);
  };
  return (
    <Confirm
      danger
      title={t("mailbox.emptyTitle", { name: mailboxName(mailbox) })}
      text={t("mailbox.emptyText", { n: mailbox.total })}
      yes={t("mailbox.empty")}
      onYes={() => void empty()}
      onClose={done}
    />
  );
}
