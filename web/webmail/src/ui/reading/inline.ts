/** Images that a message brings along and shows in its text, by Content-Id. */

import { useEffect, useState } from "preact/hooks";
import { mail, type Message } from "../../data";

/** SVG can carry scripts, so it is never shown in the text. */
const SHOWN = /^image\/(png|jpeg|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon)$/i;

export function shownAsImage(type: string): boolean {
  return SHOWN.test(type);
}

/** Those that the text refers to; empty until they are here. */
export function useInlineImages(message: Message, html: string | null): ReadonlyMap<string, Blob> {
  const [images, setImages] = useState<ReadonlyMap<string, Blob>>(new Map());
  useEffect(() => {
    let left = false;
    const wanted = message.attachments.filter((each) => each.cid && shownAsImage(each.type) && html?.includes("cid:"));
    if (wanted.length === 0) return;
    const fetched = wanted.map(
      async (each) => [each.cid as string, await mail.threads.attachment(message.id, each.part, each.type)] as const,
    );
    void Promise.all(fetched).then((all) => {
      if (left) return;
      setImages(new Map(all.flatMap(([cid, outcome]) => (outcome.ok ? [[cid, outcome.value] as const] : []))));
    });
    return () => {
      left = true;
    };
  }, [message.id, html !== null]);
  return images;
}
