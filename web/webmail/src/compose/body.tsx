/** The text of a message: rich or plain, switched without losing what is written. */

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Identity, mail } from "../data";
import { language, t } from "../texts";
import { toHtml } from "./convert";
import type { Command } from "./editor/protocol";
import { type EditorHandle, RichEditor } from "./editor/rich_editor";
import { exchangedText, signatureHtml } from "./signature";
import type { Writing } from "./writing";

export interface BodyHandle {
  do(command: Command, value?: string): void;
  focus(): void;
  flush(): Promise<void>;
  image(cid: string, image: Blob, name: string): void;
  exchangeSignature(before: Identity | null, after: Identity | null): void;
  /** Into the other format. */
  toggle(): void;
}

export interface BodyProps {
  writing: Writing;
  handle: RefObject<BodyHandle | null>;
  autofocus: boolean;
  onFiles: (files: File[]) => void;
}

export function Body({ writing, handle, autofocus, onFiles }: BodyProps) {
  const { format } = writing.draft.value;
  const editor = useRef<EditorHandle>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const [switched, setSwitched] = useState(0);

  useLayoutEffect(() => {
    handle.current = {
      do: (command, value) => editor.current?.do(command, value),
      focus: () => (format === "rich" ? editor.current?.focus() : area.current?.focus()),
      flush: () => editor.current?.flush() ?? Promise.resolve(),
      image: (cid, image, name) => editor.current?.image(cid, image, name),
      exchangeSignature: (before, after) => {
        if (format === "rich") editor.current?.signature(signatureHtml(after));
        else writing.change({ text: exchangedText(writing.draft.peek().text, before, after) });
      },
      toggle: () => {
        void (editor.current?.flush() ?? Promise.resolve()).then(() => {
          const { text } = writing.draft.peek();
          writing.change(format === "rich" ? { format: "plain", html: "" } : { format: "rich", html: toHtml(text) });
          setSwitched(switched + 1);
        });
      },
    };
  }, [format, switched]);
  useEffect(() => {
    if (autofocus && format === "plain") {
      area.current?.focus();
      area.current?.setSelectionRange(0, 0);
    }
  }, []);

  if (format === "plain") {
    return (
      <textarea
        ref={area}
        class="plain-editor"
        aria-label={t("compose.text")}
        lang={language.value}
        spellcheck
        value={writing.draft.value.text}
        onInput={(event) => writing.change({ text: event.currentTarget.value })}
        onPaste={(event) => {
          const files = [...(event.clipboardData?.files ?? [])];
          if (!files.length || event.clipboardData?.types.includes("text/plain")) return;
          event.preventDefault();
          onFiles(files);
        }}
      />
    );
  }
  return (
    <RichEditor
      key={switched}
      html={writing.draft.peek().html}
      label={t("compose.text")}
      images={() => inlineImages(writing)}
      handle={editor}
      autofocus={autofocus || switched > 0}
      onChange={(html, text) => {
        const draft = writing.draft.peek();
        if (draft.format === "rich" && (html !== draft.html || text !== draft.text)) writing.change({ html, text });
      }}
      onFormat={(at) => (writing.format.value = at)}
      onFiles={onFiles}
    />
  );
}

async function inlineImages(writing: Writing): Promise<Map<string, Blob>> {
  const found = new Map<string, Blob>();
  for (const each of writing.attachments.peek()) {
    if (!each.cid) continue;
    const bytes = await mail.drafts.bytes(writing.id, each.id);
    if (bytes.ok) found.set(each.cid, bytes.value);
  }
  return found;
}
