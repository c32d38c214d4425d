/** Below the text: send, format, attach, discard; and whether what is written is kept. */

import { useRef } from "preact/hooks";
import { mail } from "../data";
import { t } from "../texts";
import { clock } from "../texts/dates";
import { Icon } from "../ui/pieces/icon";
import { Menu, type MenuEntry } from "../ui/pieces/menu";
import type { BodyHandle } from "./body";
import { FormatBar } from "./format_bar";
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
      {rich && <FormatBar at={writing.format} run={(command, value) => body.current?.do(command, value)} />}
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
