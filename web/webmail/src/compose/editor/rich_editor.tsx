/** The rich editor: a page of its own (editor.html), for what is quoted and pasted is as hostile as what is read. */

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { pressed, useFramePort } from "../../frame/port";
import { language } from "../../texts";
import { dark } from "../../ui/layout";
import "./editor.css";
import { type Command, type Format, type ToEditor, fromEditor } from "./protocol";

/** What may be asked of an editor that is drawn. */
export interface EditorHandle {
  do(command: Command, value?: string): void;
  focus(): void;
  signature(html: string): void;
  image(cid: string, image: Blob, name: string): void;
  /** When everything typed has been told by `onChange`. */
  flush(): Promise<void>;
}

export interface RichEditorProps {
  /** As it is when the editor opens; later only the editor changes it. */
  html: string;
  label: string;
  /** Images that the HTML shows by cid. */
  images: () => Promise<Map<string, Blob>>;
  handle: RefObject<EditorHandle | null>;
  autofocus?: boolean;
  onChange: (html: string, text: string) => void;
  onFormat?: (format: Format) => void;
  onFiles?: (files: File[]) => void;
}

const PATIENCE_MS = 1000;

export function RichEditor(props: RichEditorProps) {
  const frame = useRef<HTMLIFrameElement>(null);
  const now = useRef(props);
  now.current = props;
  // What was opened, as the editor writes it, until somebody changes it.
  const loaded = useRef<string | null>(null);
  const waiting = useRef<(() => void)[]>([]);
  const [there, setThere] = useState(false);
  const { open, say } = useFramePort<ToEditor>(frame, (data) => hear(data), () => undefined);
  const isDark = dark.value;

  const hear = (data: unknown) => {
    const said = fromEditor(data);
    if (!said) return;
    if (said.kind === "ready") void load();
    else if (said.kind === "height") frame.current?.style.setProperty("height", `${said.height}px`);
    else if (said.kind === "format") now.current.onFormat?.(said.format);
    else if (said.kind === "files") now.current.onFiles?.(said.files);
    else if (said.kind === "key" && frame.current) pressed(frame.current, said);
    else if (said.kind === "loaded") loaded.current = said.html;
    else if (said.kind === "changed") {
      if (said.html !== loaded.current) {
        loaded.current = null;
        now.current.onChange(said.html, said.text);
      }
      waiting.current.splice(0).forEach((each) => each());
    }
  };
  const load = async () => {
    say({ kind: "look", inverted: dark.peek() });
    const { html, label } = now.current;
    const images = await now.current.images();
    say({ kind: "load", html, images, lang: language.peek(), label });
    setThere(true);
    if (now.current.autofocus) focus();
  };
  const focus = () => {
    frame.current?.focus();
    say({ kind: "focus" });
  };
  useEffect(() => say({ kind: "look", inverted: isDark }), [isDark]);
  useLayoutEffect(() => {
    now.current.handle.current = {
      do: (command, value = "") => (frame.current?.focus(), say({ kind: "do", command, value })),
      focus,
      signature: (html) => say({ kind: "signature", html }),
      image: (cid, image, name) => say({ kind: "image", cid, image, name, insert: true }),
      flush: () =>
        new Promise((done) => {
          if (!there) return done();
          waiting.current.push(done);
          setTimeout(done, PATIENCE_MS);
          say({ kind: "tell" });
        }),
    };
  }, [there]);
  useEffect(() => () => void (now.current.handle.current = null), []);

  return <iframe ref={frame} class="editor-frame" src="editor.html" title={props.label} onLoad={open} referrerpolicy="no-referrer" />;
}
