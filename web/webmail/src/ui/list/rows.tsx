/** The rows of a list, as a grid for whoever listens: 100,000 of them, a screenful drawn. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { mail, type MailList, type Row } from "../../data";
import { t } from "../../texts";
import { act, ofRows, turnStar } from "../acts";
import { touch } from "../layout";
import { Icon } from "../pieces/icon";
import { MenuList } from "../pieces/menu";
import { compose, openThread, route } from "../router";
import { headingWanted } from "../reading/shown";
import { setting } from "../setting";
import { clearSelection, cursor, extendTo, mailboxNow, selected, selectWhere, toggle } from "./current";
import { dragEnd, dragStart } from "./drag";
import { focusGiven, focusWanted, takeFocus } from "./focus";
import { Placeholder, RowView } from "./row";
import { rowMenu } from "./row_menu";
import { useSwipe } from "./swipe";
import { useWindow } from "./window";

export function Rows({ list, label }: { list: MailList; label: string }) {
  const view = list.view.value;
  const length = view.length ?? 12;
  const { scroller, window, measure, reveal } = useWindow(list, length);
  const behind = useRef<HTMLDivElement>(null);
  const [context, setContext] = useState<{ row: Row; x: number; y: number } | null>(null);
  const swipe = useSwipe(behind, (key, side) => {
    const row = list.row(list.indexOf(key));
    if (row) act(side === "right" ? "archive" : "trash", { of: ofRows([row]) });
  });
  const held = useRef<Row | null>(null);
  const at = cursor.value === null ? -1 : list.indexOf(cursor.value);
  const wanted = focusWanted();
  held.current = (at < 0 ? null : list.row(at)) ?? held.current;

  useLayoutEffect(() => {
    if (at < 0 || !wanted) return;
    reveal(at);
    scroller.current
      ?.querySelector<HTMLElement>(`[data-key="${CSS.escape(cursor.value ?? "")}"]`)
      ?.focus({ preventScroll: true });
    focusGiven();
  });

  const indexes: number[] = [];
  for (let index = window.first; index < Math.min(window.last, length); index++) indexes.push(index);
  if (at >= 0 && !indexes.includes(at)) indexes.push(at);
  const reachable = at >= 0 ? at : window.above;
  const now = route.value;
  const open = now.view === "mail" || now.view === "search" ? now.thread : undefined;

  const moveTo = (index: number, event: KeyboardEvent) => {
    const row = list.row(Math.max(0, Math.min(index, length - 1)));
    if (!row) return;
    if (event.shiftKey) extendTo(row);
    takeFocus();
    cursor.value = row.key;
    if (open && !event.shiftKey) openThread(row.key, true);
  };
  const onKey = (event: KeyboardEvent) => {
    const index = at >= 0 ? at : window.above;
    const row = list.row(index);
    const inside = (event.target as Element).matches("button, input");
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / window.rowHeight) - 1);
    const steps: Record<string, number> = {
      ArrowDown: at < 0 ? index : index + 1,
      ArrowUp: index - 1,
      Home: 0,
      End: length - 1,
      PageDown: index + page,
      PageUp: index - page,
    };
    const to = steps[event.key];
    if (to !== undefined) moveTo(to, event);
    else if (event.key === " " && row && !inside) toggle(row);
    else if (event.key === "Enter" && row && !inside) openByKey(row);
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) selectWhere(() => true);
    else if (event.key === "Escape" && selected.peek().size) clearSelection();
    else if (event.key === "ArrowRight" || event.key === "ArrowLeft") within(event);
    else return;
    event.preventDefault();
  };
  const rowAt = (event: Event): Row | null => {
    const key = (event.target as Element).closest<HTMLElement>("[data-key]")?.dataset.key;
    return key === undefined ? null : list.row(list.indexOf(key));
  };
  const onClick = (event: MouseEvent) => {
    const row = rowAt(event);
    if (!row) return;
    const part = (event.target as Element).closest<HTMLElement>("[data-part]")?.dataset.part;
    if (part === "star") turnStar(row.starred, ofRows([row]));
    else if (part === "archive" || part === "trash") act(part, { of: ofRows([row]) });
    else if (event.shiftKey) extendTo(row);
    else if (part === "check" || event.ctrlKey || event.metaKey || (touch.value && selected.peek().size)) toggle(row);
    else openRow(row);
  };
  const onContext = (event: MouseEvent) => {
    const row = rowAt(event);
    if (!row || event.shiftKey) return;
    event.preventDefault();
    cursor.value = row.key;
    if ((event as PointerEvent).pointerType === "touch") return toggle(row);
    const box = (event.target as Element).getBoundingClientRect();
    const byKey = event.clientX === 0 && event.clientY === 0;
    setContext({ row, x: byKey ? box.left + 24 : event.clientX, y: byKey ? box.bottom : event.clientY });
  };

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
      onKeyDown={onKey}
      onClick={onClick}
      onContextMenu={onContext}
      onFocusIn={(event) => {
        const row = rowAt(event);
        if (row) cursor.value = row.key;
      }}
      onDragStart={(event) => {
        const row = rowAt(event);
        if (row) dragStart(event, row);
      }}
      onDragEnd={dragEnd}
      {...swipe}
    >
      <div class="rows-room" role="rowgroup" style={{ height: `${length * window.rowHeight}px` }}>
        <div ref={behind} class="swipe-behind" hidden aria-hidden="true">
          <Icon name="archive" />
          <Icon name="trash" />
        </div>
        {indexes.map((index) => {
          const row = list.row(index) ?? (index === at ? held.current : null);
          const top = `${index * window.rowHeight}px`;
          if (!row) return <Placeholder key={`waiting-${index}`} index={index} top={top} />;
          return (
            <RowView
              key={row.key}
              row={row}
              index={index}
              marks={view.marks}
              selected={selected.value.has(row.key)}
              open={row.key === open}
              focused={index === reachable}
              selecting={selected.value.size > 0}
              top={top}
            />
          );
        })}
      </div>
      {context && (
        <MenuList
          id="row-menu"
          label={t("row.menu")}
          anchor={scroller}
          at={context}
          items={rowMenu(context.row)}
          onClose={(back) => {
            setContext(null);
            if (back !== false) scroller.current?.querySelector<HTMLElement>(`[tabindex="0"]`)?.focus();
          }}
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

/** Opens it and takes the focus along. */
export function openByKey(row: Row): void {
  headingWanted.value = true;
  openRow(row);
}

/** Opens what the row stands for: a draft is written on, everything else is read. */
function openRow(row: Row): void {
  const last = row.emails.at(-1);
  cursor.value = row.key;
  if (mailboxNow.peek()?.role === "drafts" && last) compose("draft", last);
  else openThread(row.key);
}

/** Along the parts of a row that can be acted on. */
function within(event: KeyboardEvent): void {
  const row = (event.target as Element).closest<HTMLElement>(".row");
  if (!row) return;
  const stops = [row, ...row.querySelectorAll<HTMLElement>("input, button")];
  const now = stops.indexOf(event.target as HTMLElement);
  stops[Math.max(0, Math.min(stops.length - 1, now + (event.key === "ArrowRight" ? 1 : -1)))]?.focus();
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
