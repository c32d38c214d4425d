/** The app's end of a frame: one port for each page that was loaded, closed with it. */

import { type RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { HELLO, type Key } from "./protocol";

export interface FramePort<Said> {
  /** The iframe's onLoad. */
  open: () => void;
  /** Nothing, before the page is there. */
  say: (said: Said) => void;
}

/** `ready` is called when the page hears: after the first load and after each further one. */
export function useFramePort<Said>(frame: RefObject<HTMLIFrameElement | null>, hear: (data: unknown) => void, ready: () => void): FramePort<Said> {
  const port = useRef<MessagePort | null>(null);
  const now = useRef({ hear, ready });
  now.current = { hear, ready };
  useEffect(() => () => port.current?.close(), []);
  return {
    open: () => {
      port.current?.close();
      const channel = new MessageChannel();
      port.current = channel.port1;
      channel.port1.onmessage = (event) => now.current.hear(event.data);
      frame.current?.contentWindow?.postMessage(HELLO, location.origin, [channel.port2]);
      now.current.ready();
    },
    say: (said) => port.current?.postMessage(said),
  };
}

/** The key as if it had been pressed on the frame's element, for the app's shortcuts. */
export function pressed(frame: HTMLIFrameElement, { key, code, ctrlKey, shiftKey, altKey, metaKey }: Key): void {
  frame.dispatchEvent(
    new KeyboardEvent("keydown", { key, code, ctrlKey, shiftKey, altKey, metaKey, bubbles: true, cancelable: true }),
  );
}
