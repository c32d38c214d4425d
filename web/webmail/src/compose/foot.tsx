/** Below the text: send, format, attach, discard; and whether what is written is kept. */

import { useRef, useState } from "preact/hooks";
import { mail } from "../data";
import { t, type Key } from "../texts";
import { clock } from "../texts/dates";
import { Dialog } from "../ui/pieces/dialog";
import { Icon, type IconName } from "../ui/pieces/icon";
import { Menu, type MenuEntry } from "../ui/pieces/menu";
import type { BodyHandle } from "./body";
import type { Command, Format } from "./editor/protocol";
import type { Writing } from "./writing";

export interface FootProps {
  writing: Writing;
  body: { current: BodyHandle | null };
  onSend: () => void;
  onLater: () => void;
  onFiles: (files: File[], inline: boolean) => void;
  onDiscard: () => void;
}

export function Foot({ writing, body, onSend, onLater, onFiles, onDiscard }: FootProps) {
  const rich = writing.draft.value.format === "rich";
  const files = useRef<HTMLInputElement>(null);
  const images = useRef<HTMLInputElement>(null);
  const { signIn } = mail.session;
  const canLater = signIn.value.state === "in" && signIn.value.account.can.sendLater;
  const more: MenuEntry[] = [
    { text: t("compose.plain"), checked: !rich, run: () => body.current?.toggle() },
    ...(rich ? [{ text: t("compose.insertImage"), icon: "image" as const, run: () => images.current?.click() }] : []),
  ];
  return (
    <div class="composer-foot">
      {rich && <FormatBar body={body} />}
      <div class="composer-ways">
        <span class="send-group">
          <button type="button" class="button primary" title={t("compose.sendKeys")} onClick={onSend}>
            {t("compose.send")}
          </button>
          {canLater && <Menu label={t("compose.sendWays")} icon="down" class="button primary send-more" items={[{ text: t("compose.later"), icon: "clock", run: onLater }]} />}
        </span>
        <button type="button" class="tool" aria-label={t("compose.attach")} title={t("compose.attach")} onClick={() => files.current?.click()}>
          <Icon name="attachment" />
        </button>
        <Menu label={t("compose.more")} items={more} />
        <Saved writing={writing} />
        <button type="button" class="tool" aria-label={t("compose.discard")} title={t("compose.discard")} onClick={onDiscard}>
          <Icon name="trash" />
        </button>
      </div>
      <FileInput input={files} label={t("compose.attach")} onFiles={(all) => onFiles(all, false)} />
      <FileInput input={images} label={t("compose.insertImage")} accept="image/*" onFiles={(all) => onFiles(all, true)} />
    </div>
  );
}

interface FileInputProps {
  input: { current: HTMLInputElement | null };
  label: string;
  accept?: string;
  onFiles: (files: File[]) => void;
}

function FileInput({ input, label, accept, onFiles }: FileInputProps) {
  return (
    <input
      ref={input}
      type="file"
      multiple
      hidden
      aria-label={label}
      {...(accept ? { accept } : {})}
      onChange={(event) => {
        const chosen = [...(event.currentTarget.files ?? [])];
        event.currentTarget.value = "";
        if (chosen.length) onFiles(chosen);
      }}
    />
  );
}

/** In plain words: where what was written is now. */
function Saved({ writing }: { writing: Writing }) {
  const state = writing.state.value;
  const text = writing.typing.value
    ? t("compose.saving")
    : !state?.savedAt || writing.untouched
      ? ""
      : t(state.saved === "server" ? "compose.savedServer" : "compose.savedDevice", { time: clock(state.savedAt) });
  return (
    <span class="composer-saved" aria-live="off">
      {text}
    </span>
  );
}

const SIZES: [Key, string][] = [
  ["compose.sizeSmall", "12px"], ["compose.sizeNormal", ""], ["compose.sizeLarge", "20px"], ["compose.sizeHuge", "28px"],
];
// Each reads on white (4.5:1) and, inverted, on the dark ground.
const COLOURS: [Key, string][] = [
  ["compose.colourNone", ""], ["compose.colourRed", "#b3261e"], ["compose.colourOrange", "#9a5200"], ["compose.colourGreen", "#1b6a3b"],
  ["compose.colourBlue", "#1b609c"], ["compose.colourPurple", "#6d3bb0"], ["compose.colourGrey", "#5c6672"],
];

const TOGGLES: { command: Command; icon: IconName; text: Key; on: keyof Format }[] = [
  { command: "bold", icon: "bold", text: "compose.bold", on: "bold" },
  { command: "italic", icon: "italic", text: "compose.italic", on: "italic" },
  { command: "underline", icon: "underline", text: "compose.underline", on: "underline" },
  { command: "bullets", icon: "listBullets", text: "compose.bullets", on: "bullets" },
  { command: "numbers", icon: "listNumbers", text: "compose.numbers", on: "numbers" },
  { command: "quote", icon: "quote", text: "compose.quote", on: "quote" },
];

/** One stop of the Tab key; arrows go along it (WAI-ARIA toolbar). */
export function FormatBar({ body }: { body: { current: Pick<BodyHandle, "do" | "format"> | null } }) {
  const bar = useRef<HTMLDivElement>(null);
  const [linking, setLinking] = useState(false);
  const [stop, setStop] = useState(0);
  const format = body.current?.format.value ?? null;
  const run = (command: Command, value?: string) => body.current?.do(command, value);
  const onKey = (event: KeyboardEvent) => {
    const all = [...(bar.current?.querySelectorAll<HTMLElement>("button") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    all[(to + all.length) % all.length]?.focus();
    setStop((to + all.length) % all.length);
  };
  const tab = (at: number) => (at === stop ? 0 : -1);
  return (
    <div ref={bar} class="format-bar" role="toolbar" aria-label={t("compose.format")} onKeyDown={onKey}>
      {TOGGLES.map(({ command, icon, text, on }, at) => (
        <button
          key={command}
          type="button"
          class="tool"
          tabIndex={tab(at)}
          aria-label={t(text)}
          title={t(text)}
          aria-pressed={format?.[on] ? "true" : "false"}
          onClick={() => run(command === "quote" && format?.quote ? "unquote" : command)}
        >
          <Icon name={icon} />
        </button>
      ))}
      <button type="button" class="tool" tabIndex={tab(TOGGLES.length)} aria-label={t("compose.link")} title={t("compose.link")} aria-pressed={format?.link ? "true" : "false"} onClick={() => setLinking(true)}>
        <Icon name="link" />
      </button>
      <Menu label={t("compose.size")} items={SIZES.map(([text, value]) => ({ text: t(text), run: () => run("size", value) }))}>
        <span aria-hidden="true">A</span>
        <span class="aside">{t("compose.size")}</span>
      </Menu>
      <Menu label={t("compose.colour")} items={COLOURS.map(([text, value]) => ({ text: t(text), run: () => run("colour", value) }))}>
        <span class="colour-mark" aria-hidden="true">
          A
        </span>
        <span class="aside">{t("compose.colour")}</span>
      </Menu>
      <button type="button" class="tool" tabIndex={tab(TOGGLES.length + 3)} aria-label={t("compose.clear")} title={t("compose.clear")} onClick={() => run("clear")}>
        <Icon name="clear" />
      </button>
      {linking && (
        <LinkDialog
          link={format?.link ?? ""}
          onClose={() => setLinking(false)}
          onLink={(url) => {
            setLinking(false);
            run(url ? "link" : "unlink", url);
          }}
        />
      )}
    </div>
  );
}

function LinkDialog({ link, onLink, onClose }: { link: string; onLink: (url: string) => void; onClose: () => void }) {
  const [url, setUrl] = useState(link);
  const [wrong, setWrong] = useState(false);
  const take = () => {
    const found = linkOf(url);
    if (found === null) setWrong(true);
    else onLink(found);
  };
  return (
    <Dialog
      title={t("compose.link")}
      onClose={onClose}
      onSubmit={take}
      foot={
        <>
          {link && (
            <button type="button" class="button" onClick={() => onLink("")}>
              {t("compose.unlink")}
            </button>
          )}
          <button type="submit" class="button primary">
            {t("compose.linkTake")}
          </button>
        </>
      }
    >
      <div class="field">
        <label for="compose-link">{t("compose.linkAddress")}</label>
        <input id="compose-link" class="input" data-first type="text" inputMode="url" value={url} aria-invalid={wrong} aria-describedby={wrong ? "compose-link-wrong" : undefined} onInput={(event) => setUrl(event.currentTarget.value)} />
        {wrong && (
          <p id="compose-link-wrong" class="error" role="alert">
            {t("compose.linkWrong")}
          </p>
        )}
      </div>
    </Dialog>
  );
}

/** What was typed as a link that may be sent: "" takes a link away, null is none. */
export function linkOf(typed: string): string | null {
  const text = typed.trim();
  if (!text) return "";
  const url = /^[a-z][a-z\d+.-]*:/i.test(text) ? text : /^[^\s@/]+@[^\s@/]+$/.test(text) ? `mailto:${text}` : `https://${text}`;
  if (!URL.canParse(url)) return null;
  return ["http:", "https:", "mailto:", "tel:"].includes(new URL(url).protocol) ? url : null;
}
