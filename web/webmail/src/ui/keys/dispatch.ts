/** Keys become commands. Views say what a command does while they are shown; the one shown last is asked first.
 *
 * Single keys work only outside of fields, menus and dialogs, and not at all when they are switched off
 * (WCAG 2.1.4). What the browser does with Ctrl, Alt and Meta stays the browser's.
 */

import { useEffect, useRef } from "preact/hooks";
import { mail } from "../../data";
import { COMMAND_NAMES, keysOf, type CommandName } from "./commands";

/** What a command does; false says that it doesn't apply just now, and the next view is asked. */
export type Handlers = Partial<Record<CommandName, () => unknown>>;

const SEQUENCE_MS = 1500;
const stack: { current: Handlers }[] = [];
let begun: { key: string; at: number } | undefined;

/** While the component is drawn, these commands do that; those of the whole page when no view knows better. */
export function useCommands(handlers: Handlers, ofPage = false): void {
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    if (ofPage) stack.unshift(latest);
    else stack.push(latest);
    return () => {
      stack.splice(stack.indexOf(latest), 1);
    };
  }, []);
}

/** Gives a command, as its key would; false where nobody takes it. */
export function command(name: CommandName): boolean {
  for (const { current } of [...stack].reverse()) {
    const run = current[name];
    if (run && run() !== false) return true;
  }
  return false;
}

/** Listens for keys of the whole page. */
export function useKeys(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!event.defaultPrevented && !typing(event) && press(event)) event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}

type Pressed = Pick<KeyboardEvent, "key" | "ctrlKey" | "altKey" | "metaKey"> & { target?: EventTarget | null };

/** One key was pressed, here or in a message's frame; true when it was a command's. */
export function press(event: Pressed): boolean {
  const { keys, ownKeys } = mail.settings.now.peek();
  if (keys === "off" || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (["Shift", "Control", "Alt", "Meta"].includes(event.key)) return false;
  const two = begun && Date.now() - begun.at < SEQUENCE_MS ? `${begun.key} ${event.key}` : "";
  begun = undefined;
  if (event.key === "Enter" && event.target instanceof Element && event.target.closest("a, button, summary"))
    return false;
  const named = (spelled: string) => COMMAND_NAMES.find((name) => keysOf(name, keys, ownKeys).includes(spelled));
  const name = (two && named(two)) || named(event.key);
  if (name) return command(name);
  const opens = COMMAND_NAMES.some((each) =>
    keysOf(each, keys, ownKeys).some((key) => key.startsWith(`${event.key} `)),
  );
  if (opens) begun = { key: event.key, at: Date.now() };
  return opens;
}

function typing(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.closest("[role=menu], [role=listbox], dialog")) return true;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button", "submit"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
