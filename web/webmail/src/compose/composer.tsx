/** One message that is being written: its head, its body, and what can be done with it. */

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { mail, type Draft, type Person, type Problem } from "../data";
import { t } from "../texts";
import { Confirm, Dialog } from "../ui/pieces/dialog";
import { Icon } from "../ui/pieces/icon";
import { tell, whatFailed, whatNow } from "../ui/problem";
import { compose } from "../ui/router";
import { AttachmentList } from "./attachment_list";
import { Body, type BodyHandle } from "./body";
import "./compose.css";
import { Foot } from "./foot";
import { LaterDialog } from "./later_dialog";
import { Recipients } from "./recipients";
import { type Checked, check, discard, putAway, send } from "./sending";
import type { Writing } from "./writing";

export interface ComposerProps {
  writing: Writing;
  heading: "h1" | "h2";
  minimised?: boolean;
  onMinimise?: (minimised: boolean) => void;
  onLarge?: () => void;
  onDone: () => void;
}

export function Composer(props: ComposerProps) {
  const { writing, onDone } = props;
  const draft = writing.draft.value;
  const body = useRef<BodyHandle>(null);
  const [checked, setChecked] = useState<(Checked & { at: number | undefined }) | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [planning, setPlanning] = useState(false);
  const [dropping, setDropping] = useState(false);

  const attach = async (files: File[], inline = false) => {
    for (const file of files) await attachOne(writing, file, inline && file.type.startsWith("image/") && draft.format === "rich", body.current);
  };
  const go = async (at?: number) => {
    await body.current?.flush();
    const found = { ...check(writing), at };
    setChecked(found);
    if (mayGo(found) && !found.doubts.length) await really(at);
  };
  const really = async (at?: number) => {
    setChecked(null);
    const wrong = await send(writing, at);
    setProblem(wrong);
    if (!wrong) onDone();
  };
  const close = async () => {
    await body.current?.flush();
    await putAway(writing);
    onDone();
  };
  const away = async () => {
    await discard(writing);
    onDone();
  };
  const onKey = (event: KeyboardEvent) => {
    const strong = event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && strong) void go();
    else if (event.key === "Escape") void close();
    else return event.stopPropagation();
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div
      class={dropping ? "composer dropping" : "composer"}
      onKeyDown={onKey}
      onDragEnter={(event) => hasFiles(event) && setDropping(true)}
      onDragOver={(event) => hasFiles(event) && event.preventDefault()}
      onDragLeave={(event) => !event.currentTarget.contains(event.relatedTarget as Node | null) && setDropping(false)}
      onDrop={(event) => {
        setDropping(false);
        if (!hasFiles(event)) return;
        event.preventDefault();
        void attach([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      <Head {...props} onClose={() => void close()} />
      <div class="composer-all" hidden={props.minimised}>
        <div class="composer-scroll">
          <Notices writing={writing} problem={problem} errors={checked?.errors ?? []} />
          <Fields writing={writing} body={body} isNobody={checked !== null && !draft.to.length && !draft.cc.length && !draft.bcc.length} />
          <AttachmentList writing={writing} />
          <Body writing={writing} handle={body} autofocus={draft.to.length > 0} onFiles={(files) => void attach(files, true)} />
        </div>
        <Foot writing={writing} body={body} onSend={() => void go()} onLater={() => setPlanning(true)} onFiles={(files, inline) => void attach(files, inline)} onDiscard={() => void away()} />
      </div>
      {dropping && <p class="drop-here">{t("compose.dropHere")}</p>}
      {planning && <LaterDialog onClose={() => setPlanning(false)} onChoose={(at) => (setPlanning(false), void go(at))} />}
      {checked && mayGo(checked) && checked.doubts.length > 0 && (
        <Doubts doubts={checked.doubts} onClose={() => setChecked(null)} onYes={() => void really(checked.at)} />
      )}
    </div>
  );
}

function mayGo(checked: Checked): boolean {
  return !checked.errors.length && !checked.recipients;
}

function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

async function attachOne(writing: Writing, file: File, inline: boolean, body: BodyHandle | null): Promise<void> {
  const { signIn } = mail.session;
  const limit = signIn.value.state === "in" ? signIn.value.account.limits.attachment : Infinity;
  if (file.size > limit) return tell({ what: "too-large", safe: "unchanged", remedy: "shrink", limit });
  const name = file.name || t("compose.imageName");
  const outcome = await mail.drafts.attach(writing.id, file, name, inline);
  if (!outcome.ok) return tell(outcome.problem);
  writing.untouched = false;
  if (outcome.value.cid) body?.image(outcome.value.cid, file, name);
}

function Head({ writing, heading: Heading, minimised = false, onMinimise, onLarge, onClose }: ComposerProps & { onClose: () => void }) {
  const subject = writing.draft.value.subject.trim();
  return (
    <div class="composer-head">
      <Heading class="composer-title">{subject || t("compose.new")}</Heading>
      {onMinimise && (
        <button type="button" class="tool" aria-label={t(minimised ? "compose.restore" : "compose.minimise")} onClick={() => onMinimise(!minimised)}>
          <Icon name={minimised ? "up" : "minus"} />
        </button>
      )}
      {onLarge && (
        <button type="button" class="tool" aria-label={t("compose.large")} onClick={onLarge}>
          <Icon name="external" />
        </button>
      )}
      <button type="button" class="tool" aria-label={t("compose.close")} title={t("compose.close")} onClick={onClose}>
        <Icon name="close" />
      </button>
    </div>
  );
}

/** What stands in the way, and what should be known. */
function Notices({ writing, problem, errors }: { writing: Writing; problem: Problem | null; errors: string[] }) {
  const state = writing.state.value;
  const wrong = problem ?? writing.problem.value ?? state?.problem ?? null;
  const other = state?.conflict?.other;
  return (
    <>
      {errors.length > 0 && (
        <div class="composer-notice bad" role="alert">
          <Icon name="warning" />
          <ul>
            {errors.map((each) => (
              <li key={each}>{each}</li>
            ))}
          </ul>
        </div>
      )}
      {wrong && (
        <div class="composer-notice bad" role="alert">
          <Icon name="warning" />
          <p>
            {whatFailed(wrong)}. {whatNow(wrong)}
          </p>
        </div>
      )}
      {other && (
        <div class="composer-notice" role="status">
          <Icon name="info" />
          <p>
            {t("compose.conflict")}{" "}
            <button type="button" class="as-link" onClick={() => compose("draft", other)}>
              {t("compose.conflictOpen")}
            </button>
          </p>
        </div>
      )}
      {writing.unquoted && (
        <div class="composer-notice" role="status">
          <Icon name="info" />
          <p>{t("compose.unquoted")}</p>
        </div>
      )}
    </>
  );
}

function Fields({ writing, body, isNobody }: { writing: Writing; body: { current: BodyHandle | null }; isNobody: boolean }) {
  const draft = writing.draft.value;
  const [copies, setCopies] = useState(draft.cc.length > 0 || draft.bcc.length > 0);
  const id = useId();
  const people = (name: "to" | "cc" | "bcc") => (all: Person[]) => writing.change({ [name]: all } as Partial<Draft>);
  return (
    <div class="composer-fields">
      <Sender writing={writing} body={body} />
      <div class="recipients-row">
        <Recipients name={t("compose.to")} people={draft.to} onChange={people("to")} autofocus={!draft.to.length} error={isNobody && !draft.to.length ? t("compose.error.nobody") : undefined} />
        {!copies && (
          <button type="button" class="tool copies" onClick={() => setCopies(true)}>
            {t("compose.copies")}
          </button>
        )}
      </div>
      {copies && (
        <>
          <Recipients name={t("compose.cc")} people={draft.cc} onChange={people("cc")} />
          <Recipients name={t("compose.bcc")} people={draft.bcc} onChange={people("bcc")} />
        </>
      )}
      <div class="composer-subject">
        <label for={id}>{t("compose.subject")}</label>
        <input id={id} type="text" value={draft.subject} maxLength={998} autocomplete="off" onInput={(event) => writing.change({ subject: event.currentTarget.value })} />
      </div>
    </div>
  );
}

/** Where there is a choice. Its signature comes along. */
function Sender({ writing, body }: { writing: Writing; body: { current: BodyHandle | null } }) {
  const all = mail.identities.all.value ?? [];
  const { identity } = writing.draft.value;
  const id = useId();
  const before = all.find((each) => each.id === identity) ?? null;
  useEffect(() => {
    if (!before && all[0]) writing.change({ identity: all[0].id });
  }, [all.length]);
  if (all.length < 2) return null;
  return (
    <div class="composer-sender">
      <label for={id}>{t("compose.from")}</label>
      <select
        id={id}
        value={identity ?? ""}
        onChange={(event) => {
          const after = all.find((each) => each.id === event.currentTarget.value) ?? null;
          writing.change({ identity: after?.id ?? null, replyTo: after?.replyTo ?? [] });
          body.current?.exchangeSignature(before, after);
        }}
      >
        {all.map((each) => (
          <option key={each.id} value={each.id}>
            {each.name ? `${each.name} <${each.email}>` : each.email}
          </option>
        ))}
      </select>
    </div>
  );
}

function Doubts({ doubts, onYes, onClose }: { doubts: string[]; onYes: () => void; onClose: () => void }) {
  const [only] = doubts;
  if (doubts.length === 1 && only) return <Confirm title={t("compose.doubt.title")} text={only} yes={t("compose.sendAnyway")} onYes={onYes} onClose={onClose} />;
  return (
    <Dialog
      title={t("compose.doubt.title")}
      onClose={onClose}
      foot={
        <>
          <button type="button" class="button" data-first onClick={onClose}>
            {t("cancel")}
          </button>
          <button type="button" class="button primary" onClick={onYes}>
            {t("compose.sendAnyway")}
          </button>
        </>
      }
    >
      <ul class="doubts">
        {doubts.map((each) => (
          <li key={each}>{each}</li>
        ))}
      </ul>
    </Dialog>
  );
}
