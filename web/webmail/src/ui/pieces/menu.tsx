/** A button that opens a menu: arrows, Home, End and first letters move, Escape closes, the focus comes back
 * (WAI-ARIA menu button). The menu lies in the browser's top layer, beside its button. */

import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icon";

export interface MenuItem {
  text: string;
  icon?: IconName;
  run?: () => unknown;
  /** A link instead of an action. */
  href?: string;
  /** A choice: said and shown as chosen or not. */
  checked?: boolean;
  hint?: string;
  danger?: boolean;
  disabled?: boolean;
}
/** "-" draws a line between groups. */
export type MenuEntry = MenuItem | "-";

export interface MenuProps {
  /** What the button is called. */
  label: string;
  icon?: IconName;
  items: MenuEntry[] | (() => MenuEntry[]);
  class?: string;
  /** What the button shows; its icon alone without. */
  children?: ComponentChildren;
  title?: string;
}

export function Menu({ label, icon = "more", items, class: look = "tool", children, title }: MenuProps) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const close = (back = true) => {
    setOpen(false);
    if (back) button.current?.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class={look}
        aria-label={children ? undefined : label}
        title={title ?? (children ? undefined : label)}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        onClick={() => setOpen(!open)}
        onKeyDown={(event) => {
          if (event.key !== "ArrowDown") return;
          event.preventDefault();
          setOpen(true);
        }}
      >
        {children ?? <Icon name={icon} />}
      </button>
      {open && (
        <MenuList
          id={id}
          label={label}
          anchor={button}
          items={(typeof items === "function" ? items() : items).filter((each) => each)}
          onClose={close}
        />
      )}
    </>
  );
}

interface ListProps {
  id: string;
  label: string;
  anchor: RefObject<HTMLElement | null>;
  items: MenuEntry[];
  /** Where it opens instead of beside its anchor: a context menu. */
  at?: { x: number; y: number };
  onClose: (back?: boolean) => void;
}

/** The menu itself, for whoever opens one without a button of its own (a context menu). */
export function MenuList({ id, label, anchor, items, at, onClose }: ListProps) {
  const list = useRef<HTMLDivElement>(null);
  useTopLayer(list, anchor, onClose, at);
  useEffect(() => {
    entries(list.current)[0]?.focus();
  }, []);
  return (
    <div
      ref={list}
      id={id}
      class="menu"
      role="menu"
      aria-label={label}
      popover="manual"
      onKeyDown={(event) => onKey(event, list.current, onClose)}
    >
      {items.map((item, place) =>
        item === "-" ? (
          <div key={place} class="menu-line" role="separator" />
        ) : (
          <Item key={place} item={item} onClose={onClose} />
        ),
      )}
    </div>
  );
}

function Item({ item, onClose }: { item: MenuItem; onClose: (back?: boolean) => void }) {
  const content = (
    <>
      {item.checked !== undefined ? (
        <span class="menu-mark">{item.checked && <Icon name="check" />}</span>
      ) : (
        item.icon && <Icon name={item.icon} />
      )}
      <span class="menu-text">{item.text}</span>
      {item.hint && <kbd aria-hidden="true">{item.hint}</kbd>}
    </>
  );
  const look = item.danger ? "menu-item danger" : "menu-item";
  if (item.href) {
    const outside = !item.href.startsWith("#");
    return (
      <a
        class={look}
        role="menuitem"
        tabIndex={-1}
        href={item.href}
        {...(outside ? { target: "_blank", rel: "noopener noreferrer" } : {})}
        onClick={() => onClose(false)}
      >
        {content}
      </a>
    );
  }
  return (
    <button
      type="button"
      class={look}
      role={item.checked === undefined ? "menuitem" : "menuitemcheckbox"}
      aria-checked={item.checked}
      aria-disabled={item.disabled || undefined}
      tabIndex={-1}
      onClick={() => {
        if (item.disabled) return;
        onClose();
        item.run?.();
      }}
    >
      {content}
    </button>
  );
}

/** Puts an element into the top layer beside its anchor, and closes it by a press outside or a move of the page. */
export function useTopLayer(
  element: RefObject<HTMLElement | null>,
  anchor: RefObject<HTMLElement | null>,
  onClose: (back?: boolean) => void,
  at?: { x: number; y: number },
): void {
  useLayoutEffect(() => {
    const layer = element.current;
    if (!layer) return;
    layer.showPopover?.();
    place(layer, at ? new DOMRect(at.x, at.y, 0, 0) : anchor.current?.getBoundingClientRect());
    const outside = (event: Event) => {
      const target = event.target as Node;
      if (!layer.contains(target) && !anchor.current?.contains(target)) onClose(false);
    };
    const resized = () => onClose(false);
    document.addEventListener("pointerdown", outside, true);
    addEventListener("resize", resized);
    return () => {
      document.removeEventListener("pointerdown", outside, true);
      removeEventListener("resize", resized);
    };
  }, []);
}

const GAP = 4;

function place(layer: HTMLElement, beside: DOMRect | undefined): void {
  if (!beside) return;
  const own = layer.getBoundingClientRect();
  const fitsRight = beside.left + own.width <= innerWidth - 2 * GAP;
  const left = fitsRight ? beside.left : Math.max(2 * GAP, beside.right - own.width);
  const below = innerHeight - beside.bottom - GAP;
  const under = own.height <= below || below >= beside.top;
  const room = under ? below : beside.top - GAP;
  layer.style.left = `${Math.min(left, Math.max(GAP, innerWidth - own.width - GAP))}px`;
  layer.style.maxHeight = `${room - GAP}px`;
  layer.style.top = under
    ? `${beside.bottom + GAP}px`
    : `${Math.max(GAP, beside.top - GAP - Math.min(own.height, room))}px`;
}

function entries(list: HTMLElement | null): HTMLElement[] {
  return [...(list?.querySelectorAll<HTMLElement>(".menu-item") ?? [])];
}

function onKey(event: KeyboardEvent, list: HTMLElement | null, onClose: (back?: boolean) => void): void {
  const all = entries(list);
  const now = all.indexOf(document.activeElement as HTMLElement);
  const to = (place: number) => all[(place + all.length) % all.length]?.focus();
  event.stopPropagation();
  if (event.key === "ArrowDown") to(now + 1);
  else if (event.key === "ArrowUp") to(now - 1);
  else if (event.key === "Home") to(0);
  else if (event.key === "End") to(all.length - 1);
  else if (event.key === "Escape") onClose();
  else if (event.key === "Tab") return onClose(false);
  else if (event.key.length === 1 && /\S/.test(event.key)) {
    const after = [...all.slice(now + 1), ...all.slice(0, now + 1)];
    const letter = event.key.toLocaleLowerCase();
    after
      .find((each) => each.querySelector(".menu-text")?.textContent?.toLocaleLowerCase().startsWith(letter))
      ?.focus();
  } else return;
  event.preventDefault();
}
