/** Buttons for the format of what is written, and the dialog for links. */

import type { ReadonlySignal } from "@preact/signals";
import { useRef, useState } from "preact/hooks";
import { t, type Key } from "../texts";
import { Dialog } from "../ui/pieces/dialog";
import { Icon, type IconName } from "../ui/pieces/icon";
import { Menu } from "../ui/pieces/menu";
import type { Command, Format } from "./editor/protocol";

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

export interface FormatBarProps {
  /** What holds at the cursor. */
  at: ReadonlySignal<Format | null>;
  run: (command: Command, value?: string) => void;
}

/** One stop of the Tab key; arrows go along it (WAI-ARIA toolbar). */
export function FormatBar({ at: cursor, run }: FormatBarProps) {
  const bar = useRef<HTMLDivElement>(null);
  const [linking, setLinking] = useState(false);
  const [stop, setStop] = useState(0);
  const format = cursor.value;
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
