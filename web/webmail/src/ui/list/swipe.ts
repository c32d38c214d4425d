/** A row moved aside by a finger: to the right it is archived, to the left it goes to the trash.
 *
 * The row's menu and the bar do the same (WCAG 2.5.7). Up and down stays the list's own scrolling: rows have
 * `touch-action: pan-y`.
 */

import { useRef } from "preact/hooks";

const BEGINS = 12; // pixels aside before it is a swipe
const ENOUGH = 0.35; // of the row's width

export type Side = "left" | "right";

interface Swipe {
  row: HTMLElement;
  pointer: number;
  x: number;
  y: number;
  dx: number;
  begun: boolean;
}

/** Handlers for the list; `behind` is what shows under the row that moves. */
export function useSwipe(behind: { current: HTMLElement | null }, onSwiped: (key: string, side: Side) => void) {
  const now = useRef<Swipe | null>(null);

  const down = (event: PointerEvent) => {
    const row = (event.target as Element).closest<HTMLElement>(".row[data-key]");
    if (event.pointerType !== "touch" || !row) return;
    now.current = { row, pointer: event.pointerId, x: event.clientX, y: event.clientY, dx: 0, begun: false };
  };

  const move = (event: PointerEvent) => {
    const swipe = now.current;
    if (!swipe || event.pointerId !== swipe.pointer) return;
    swipe.dx = event.clientX - swipe.x;
    if (!swipe.begun) {
      if (Math.abs(event.clientY - swipe.y) > BEGINS) now.current = null;
      if (Math.abs(swipe.dx) < BEGINS) return;
      swipe.begun = true;
      swipe.row.setPointerCapture(swipe.pointer);
      swipe.row.classList.add("swiped");
    }
    swipe.row.style.translate = `${swipe.dx}px 0`;
    draw(behind.current, swipe);
  };

  const end = (done: boolean) => {
    const swipe = now.current;
    now.current = null;
    if (!swipe?.begun) return;
    swipe.row.classList.remove("swiped");
    swipe.row.style.translate = "";
    if (behind.current) behind.current.hidden = true;
    swallowClick();
    const key = swipe.row.dataset.key;
    if (done && key && enough(swipe)) onSwiped(key, swipe.dx > 0 ? "right" : "left");
  };

  return { onPointerDown: down, onPointerMove: move, onPointerUp: () => end(true), onPointerCancel: () => end(false) };
}

function enough(swipe: Swipe): boolean {
  return Math.abs(swipe.dx) > swipe.row.clientWidth * ENOUGH;
}

function draw(behind: HTMLElement | null, swipe: Swipe): void {
  if (!behind) return;
  behind.hidden = false;
  behind.className = `swipe-behind ${swipe.dx > 0 ? "right" : "left"}${enough(swipe) ? " enough" : ""}`;
  behind.style.transform = swipe.row.style.transform;
  behind.style.height = `${swipe.row.clientHeight}px`;
}

/** Lifting the finger after a swipe isn't a click on the row. */
function swallowClick(): void {
  const swallow = (event: Event) => event.stopPropagation();
  addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", swallow, { capture: true }), 50);
}
