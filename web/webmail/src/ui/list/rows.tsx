/** The rows of a list, as a grid for whoever listens: 100,000 of them, a screenful drawn. */

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { mail, type MailList, type Row } from "../../data";
import { t } from "../../texts";
import { act, ofRows } from "../acts";
import { Icon } from "../pieces/icon";
import { MenuList } from "../pieces/menu";
import { route } from "../router";
import { setting } from "../setting";
import { cursor, selected } from "./current";
import { focusGiven, focusWanted } from "./focus";
import { useHands } from "./hands";
import { Placeholder, RowView } from "./row";
import { rowMenu } from "./row_menu";
import { useSwipe } from "./swipe";
import { useWindow } from "./window";

export function Rows({ list, label }: { list: MailList; label: string }) {
  const view = list.view.value;
  const length = view.length ?? 12;
  const { scroller, window, measure, reveal } = useWindow(list, length);
  const behind = useRef<HTMLDivElement>(null);
  const swipe = useSwipe(behind, (key, side) => {
    const row = list.row(list.indexOf(key));
    if (row) act(side === "right" ? "archive" : "trash", { of: ofRows([row]) });
  });
  const held = useRef<Row | null>(null);
  const at = cursor.value === null ? -1 : list.indexOf(cursor.value);
  held.current = (at < 0 ? null : list.row(at)) ?? held.current;

  useCursorFocus(at, scroller, reveal);
  const indexes = drawn(window.first, Math.min(window.last, length), at);
  const reachable = at >= 0 ? at : window.above;
  const selecting = selected.value.size > 0;
  const now = route.value;
  const open = now.view === "mail" || now.view === "search" ? now.thread : undefined;

  const hands = useHands({ list, at, length, window, scroller, open });

  return (
    <div
      ref={scroller}
      class={window.oneLine ? "rows one-line" : "rows"}
      role="grid"
      aria-label={label}
      aria-rowcount={view.length ?? -1}
      aria-multiselectable="true"
      aria-busy={view.busy}
      data-density={setting("density")}
      onScroll={measure}
      {...hands.handlers}
      {...swipe}
    >
      <div class="rows-room" role="rowgroup" style={{ height: `${length * window.rowHeight}px` }}>
        <Behind element={behind} />
        {indexes.map((index) => {
          const row = list.row(index) ?? (index === at ? held.current : null);
          const top = `${index * window.rowHeight}px`;
          if (!row) return <Placeholder key={`waiting-${index}`} index={index} top={top} />;
          const look = {
            selected: selected.value.has(row.key),
            open: row.key === open,
            focused: index === reachable,
            selecting,
          };
          return <RowView key={row.key} row={row} index={index} marks={view.marks} top={top} {...look} />;
        })}
      </div>
      {hands.menu && (
        <MenuList
          id="row-menu"
          label={t("row.menu")}
          anchor={scroller}
          at={hands.menu}
          items={rowMenu(hands.menu.row)}
          onClose={hands.closeMenu}
        />
      )}
      <Arrived
        list={list}
        above={window.above}
        onUp={() => scroller.current?.scrollTo({ top: 0, behavior: "smooth" })}
      />
    </div>
  );
}

/** What shows under a row that is swiped aside. */
function Behind({ element }: { element: RefObject<HTMLDivElement | null> }) {
  return (
    <div ref={element} class="swipe-behind" hidden aria-hidden="true">
      <Icon name="archive" />
      <Icon name="trash" />
    </div>
  );
}

/** Rows in sight and around; the one with the cursor too, wherever it is, so that it keeps the focus. */
function drawn(first: number, last: number, cursorAt: number): number[] {
  const indexes: number[] = [];
  for (let index = first; index < last; index++) indexes.push(index);
  if (cursorAt >= 0 && !indexes.includes(cursorAt)) indexes.push(cursorAt);
  return indexes;
}

/** Gives the focus to the cursor's row, when it should go there. */
function useCursorFocus(at: number, scroller: RefObject<HTMLElement | null>, reveal: (index: number) => void): void {
  const wanted = focusWanted();
  useLayoutEffect(() => {
    if (at < 0 || !wanted) return;
    reveal(at);
    const key = CSS.escape(cursor.value ?? "");
    scroller.current?.querySelector<HTMLElement>(`[data-key="${key}"]`)?.focus({ preventScroll: true });
    focusGiven();
  });
}

/** Mail that came while the list is scrolled down: said, not pushed in front of the reader. */
function Arrived({ list, above, onUp }: { list: MailList; above: number; onUp: () => void }) {
  const arrival = mail.arrival.value;
  const [count, setCount] = useState(0);
  const seen = useRef(arrival);
  useEffect(() => {
    if (arrival && arrival !== seen.current && above > 0) setCount((was) => was + arrival.count);
    seen.current = arrival;
  }, [arrival]);
  useEffect(() => {
    if (above === 0) setCount(0);
  }, [above, list]);
  if (!count) return null;
  return (
    <button type="button" class="arrived" onClick={onUp}>
      <Icon name="up" />
      {t("list.arrived", { n: count })}
    </button>
  );
}
