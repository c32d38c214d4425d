/** Which rows of a long list are drawn: those in sight and a few around them.
 *
 * Rows have one height, given by density and by how wide the list is (a wide one has a row in one line), in rem so
 * that larger text gets larger rows. When rows come or go above, the list is moved by as much as they are high:
 * what one reads stays where it is.
 */

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Id, MailList } from "../../data";
import { setting } from "../setting";

const AROUND = 6; // rows drawn above and below those in sight
const ONE_LINE = 46; // rem of width from which a row is one line
const HEIGHTS = {
  comfortable: { stacked: 5.25, line: 2.75 },
  compact: { stacked: 3.75, line: 2.125 },
} as const;

export interface Window {
  first: number;
  last: number;
  /** Pixels. */
  rowHeight: number;
  oneLine: boolean;
  /** How far the list is scrolled, in whole rows. */
  above: number;
}

export function useWindow(list: MailList, length: number) {
  const scroller = useRef<HTMLDivElement>(null);
  const density = setting("density");
  const [now, setNow] = useState<Window>({ first: 0, last: 20, rowHeight: 84, oneLine: false, above: 0 });
  const anchor = useRef<{ key: Id; index: number } | null>(null);

  const measure = useCallback(() => {
    const box = scroller.current;
    if (!box) return;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
    const oneLine = box.clientWidth >= ONE_LINE * rem;
    const rowHeight = Math.round(HEIGHTS[density][oneLine ? "line" : "stacked"] * rem);
    const above = Math.floor(box.scrollTop / rowHeight);
    const first = Math.max(0, above - AROUND);
    const last = Math.min(length, above + Math.ceil(box.clientHeight / rowHeight) + 1 + AROUND);
    setNow((was) =>
      was.first === first &&
      was.last === last &&
      was.rowHeight === rowHeight &&
      was.oneLine === oneLine &&
      was.above === above
        ? was
        : { first, last, rowHeight, oneLine, above },
    );
    const key = list.row(above)?.key;
    anchor.current = key ? { key, index: above } : null;
  }, [list, length, density]);

  useEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const watch = new ResizeObserver(measure);
    watch.observe(box);
    return () => watch.disconnect();
  }, [measure]);

  useLayoutEffect(() => {
    scroller.current?.scrollTo({ top: 0 });
    anchor.current = null;
    measure();
  }, [list]);

  useLayoutEffect(() => list.show(now.first, Math.max(now.last, now.first + 1)), [list, now.first, now.last]);

  const view = list.view.value;
  useLayoutEffect(() => {
    const box = scroller.current;
    const was = anchor.current;
    if (box && was && box.scrollTop > 0) {
      const index = list.indexOf(was.key);
      if (index >= 0 && index !== was.index) box.scrollTop += (index - was.index) * now.rowHeight;
    }
    measure();
  }, [view, length, density]);

  const reveal = useCallback(
    (index: number) => {
      const box = scroller.current;
      if (!box) return;
      const top = index * now.rowHeight;
      const under = top + now.rowHeight - box.clientHeight;
      if (top < box.scrollTop) box.scrollTop = top;
      else if (under > box.scrollTop) box.scrollTop = under;
    },
    [now.rowHeight],
  );
  return { scroller, window: now, measure, reveal };
}
