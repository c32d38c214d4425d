/** Senders: the name and the signature that go out with a message, and which is the usual one. */

import { useId, useMemo, useRef, useState } from "preact/hooks";
import { signal } from "@preact/signals";
import { type Identity, mail } from "../data";
import { t } from "../texts";
import { flawOf, parseAddresses, writeAddress } from "../compose/addresses";
import type { Format } from "../compose/editor/protocol";
import { type EditorHandle, RichEditor } from "../compose/editor/rich_editor";
import { FormatBar } from "../compose/format_bar";
import { signatureHtml } from "../compose/signature";
import { Confirm, Dialog } from "../ui/pieces/dialog";
import { Icon } from "../ui/pieces/icon";
import { toast } from "../ui/pieces/toast";
import { tell } from "../ui/problem";
import { setting } from "../ui/setting";
import { keep } from "./controls";

export function IdentitiesPage() {
  const all = mail.identities.all.value;
  const usual = setting("defaultIdentity") ?? all?.[0]?.id;
  const [edited, setEdited] = useState<Identity | "new" | null>(null);
  const [gone, setGone] = useState<Identity | null>(null);
  const remove = async (identity: Identity) => {
    const outcome = await mail.identities.remove(identity.id);
    if (!outcome.ok) return tell(outcome.problem);
    toast({ text: t("settings.senderRemoved") });
  };
  if (!all) return <div class="part-waiting" aria-busy="true" />;
  return (
    <>
      <p class="hint">{t("settings.sendersHint")}</p>
      <ul class="senders">
        {all.map((each) => (
          <li key={each.id} class="sender">
            <div class="sender-text">
              <p class="sender-name">
                {each.name || each.email}
                {each.id === usual && <span class="chip">{t("settings.senderUsual")}</span>}
                {each.pending && <span class="soft"> · {t("settings.pending")}</span>}
              </p>
              <p class="soft">{each.email}</p>
            </div>
            {each.id !== usual && (
              <button type="button" class="button quiet" aria-label={t("settings.senderMakeUsualOf", { address: each.email })} onClick={() => void keep({ defaultIdentity: each.id })}>
                {t("settings.senderMakeUsual")}
              </button>
            )}
            <button type="button" class="tool" aria-label={t("settings.senderEdit", { address: each.email })} onClick={() => setEdited(each)}>
              <Icon name="write" />
            </button>
            {each.mayDelete && (
              <button type="button" class="tool" aria-label={t("settings.senderRemove", { address: each.email })} onClick={() => setGone(each)}>
                <Icon name="trash" />
              </button>
            )}
          </li>
        ))}
      </ul>
      <button type="button" class="button" onClick={() => setEdited("new")}>
        <Icon name="plus" />
        {t("settings.senderNew")}
      </button>
      {edited && <Edit identity={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
      {gone && (
        <Confirm title={t("settings.senderRemoveTitle")} text={t("settings.senderRemoveText", { address: gone.email })} yes={t("settings.remove")} danger onYes={() => void remove(gone)} onClose={() => setGone(null)} />
      )}
    </>
  );
}

function Edit({ identity, onClose }: { identity: Identity | null; onClose: () => void }) {
  const [name, setName] = useState(identity?.name ?? "");
  const [email, setEmail] = useState(identity?.email ?? "");
  const [replyTo, setReplyTo] = useState((identity?.replyTo ?? []).map(writeAddress).join(", "));
  const [wrong, setWrong] = useState<{ email?: string; replyTo?: string }>({});
  const signature = useRef({ htmlSignature: identity?.htmlSignature ?? "", textSignature: identity?.textSignature ?? "" });
  const editor = useRef<EditorHandle>(null);
  const id = useId();
  const save = async () => {
    await editor.current?.flush();
    const back = parseAddresses(replyTo);
    const found: typeof wrong = {};
    if (bad(email)) found.email = t("settings.senderBad");
    if (back.some((each) => bad(each.email))) found.replyTo = t("settings.senderBad");
    setWrong(found);
    if (Object.keys(found).length) return;
    const kept = { name: name.trim(), replyTo: back, ...signature.current };
    const outcome = identity
      ? await mail.identities.update(identity.id, kept)
      : await mail.identities.create({ ...kept, email: email.trim(), bcc: [] });
    if (!outcome.ok) return tell(outcome.problem);
    toast({ text: t("settings.senderSaved") });
    onClose();
  };
  return (
    <Dialog
      wide
      title={t(identity ? "settings.senderTitle" : "settings.senderNew")}
      onClose={onClose}
      onSubmit={() => void save()}
      foot={
        <>
          <button type="button" class="button" onClick={onClose}>
            {t("cancel")}
          </button>
          <button type="submit" class="button primary">
            {t("settings.save")}
          </button>
        </>
      }
    >
      <Field id={`${id}-name`} name={t("settings.senderName")} hint={t("settings.senderNameHint")} value={name} first onChange={setName} />
      {identity ? null : <Field id={`${id}-email`} name={t("settings.senderAddress")} hint={t("settings.senderAddressHint")} value={email} error={wrong.email} onChange={setEmail} />}
      <Field id={`${id}-reply`} name={t("settings.senderReplyTo")} hint={t("settings.senderReplyToHint")} value={replyTo} error={wrong.replyTo} onChange={setReplyTo} />
      <SignatureEditor identity={identity} editor={editor} onChange={(html, text) => (signature.current = { htmlSignature: text.trim() ? html : "", textSignature: text })} />
    </Dialog>
  );
}

function bad(email: string): boolean {
  const flaw = flawOf({ name: "", email: email.trim() });
  return flaw !== null && flaw !== "odd";
}

interface SignatureProps {
  identity: Identity | null;
  editor: { current: EditorHandle | null };
  onChange: (html: string, text: string) => void;
}

function SignatureEditor({ identity, editor, onChange }: SignatureProps) {
  const format = useMemo(() => signal<Format | null>(null), []);
  return (
    <div class="field">
      <p class="field-name">{t("settings.signature")}</p>
      <div class="signature-editor">
        <FormatBar at={format} run={(command, value) => editor.current?.do(command, value)} />
        <RichEditor html={signatureHtml(identity)} label={t("settings.signature")} images={() => Promise.resolve(new Map())} handle={editor} onChange={onChange} onFormat={(now) => (format.value = now)} />
      </div>
    </div>
  );
}

interface FieldProps {
  id: string;
  name: string;
  hint: string;
  value: string;
  first?: boolean;
  error?: string | undefined;
  onChange: (value: string) => void;
}

function Field({ id, name, hint, value, first = false, error, onChange }: FieldProps) {
  return (
    <div class="field">
      <label for={id}>{name}</label>
      <p id={`${id}-hint`} class="hint">
        {hint}
      </p>
      <input id={id} class="input" type="text" autocomplete="off" data-first={first || undefined} value={value} aria-invalid={Boolean(error)} aria-describedby={`${id}-hint${error ? ` ${id}-wrong` : ""}`} onInput={(event) => onChange(event.currentTarget.value)} />
      {error && (
        <p id={`${id}-wrong`} class="error" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}
