/** Shows one message body, in a page without access to anything: see build/page.ts for what holds it. */

import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { untagged } from "../data/sync/bodies";
import { language, t } from "../texts";
import { pressed, useFramePort } from "./port";
import { type FrameTexts, type ToFrame, fromFrame } from "./protocol";
import "./frame.css";

export interface MessageFrameProps {
  /** One of both: HTML as the server cleaned it, or plain text. */
  html?: string | undefined;
  text?: string | undefined;
  /** Parameters of a text/plain part: format=flowed, delsp=yes. */
  flowed?: boolean;
  delSp?: boolean;
  /** Images that the message brings along, by Content-Id without brackets. */
  inline?: ReadonlyMap<string, Blob>;
  /** Whether images from elsewhere may be fetched. */
  remoteImages?: boolean;
  /** Light on dark, where the reader asked for it. */
  inverted?: boolean;
  /** The frame's name for screen readers. */
  title: string;
  /** How many images from elsewhere were left out, and how many links say something else than they do. */
  onShown?: (blocked: number, mismatched: number) => void;
  /** A mailto: link was followed. */
  onMailto?: (url: string) => void;
}

const LOWEST = 24;
const ANSWERS_WITHIN_MS = 4000; // or its page couldn't be had: no service worker keeps it, and no server answers

export function MessageFrame(props: MessageFrameProps) {
  const frame = useRef<HTMLIFrameElement>(null);
  const current = useRef(props);
  current.current = props;
  const link = useMemo(() => signal({ url: "", mismatched: false }), []);
  const page = props.remoteImages ? "frame-images.html" : "frame.html";
  const [silent, setSilent] = useState(false);
  const answered = useRef(false);
  useEffect(() => {
    answered.current = false;
    const clock = setTimeout(() => setSilent(!answered.current), ANSWERS_WITHIN_MS);
    return () => clearTimeout(clock);
  }, [page]);

  const { open, say } = useFramePort(frame, (data) => hear(data), () => {
    say(shown(current.current));
    say({ kind: "look", inverted: current.current.inverted ?? false });
  });
  const hear = (data: unknown) => {
    const said = fromFrame(data);
    answered.current = true;
    setSilent(false);
    if (said?.kind === "height") frame.current?.style.setProperty("height", `${Math.max(said.height, LOWEST)}px`);
    else if (said?.kind === "shown") current.current.onShown?.(said.blocked, said.mismatched);
    else if (said?.kind === "mailto") current.current.onMailto?.(said.url);
    else if (said?.kind === "link") link.value = said;
    else if (said?.kind === "key" && frame.current) pressed(frame.current, said);
  };

  useEffect(() => say(shown(current.current)), [props.html, props.text, props.inline, language.value]);
  useEffect(() => say({ kind: "look", inverted: props.inverted ?? false }), [props.inverted]);

  return (
    <div class="message-frame">
      {silent && (
        <div class="frame-silent">
          <p class="soft">{t("frame.silent")}</p>
          <p class="lines">{props.text ?? untagged(props.html ?? "")}</p>
        </div>
      )}
      <iframe key={page} ref={frame} src={page} title={props.title} hidden={silent} onLoad={open} referrerpolicy="no-referrer" />
      <LinkTarget {...link.value} />
    </div>
  );
}

/** Where the link under the pointer leads, at the bottom of the window as browsers show it. */
function LinkTarget({ url, mismatched }: { url: string; mismatched: boolean }) {
  if (!url) return null;
  return (
    <div class={mismatched ? "link-target mismatched" : "link-target"} aria-hidden="true">
      {url}
    </div>
  );
}

function frameTexts(): FrameTexts {
  return { lang: language.value, quote: t("frame.quote"), image: t("frame.image"), leadsTo: t("frame.leadsTo") };
}

function shown(props: MessageFrameProps): ToFrame {
  return {
    kind: "show",
    ...(props.html === undefined ? { text: props.text ?? "" } : { html: props.html }),
    flowed: props.flowed ?? false,
    delSp: props.delSp ?? false,
    inline: new Map(props.inline ?? []),
    remoteImages: props.remoteImages ?? false,
    texts: frameTexts(),
  };
}
