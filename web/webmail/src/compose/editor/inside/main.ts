/** The editor's page: Squire, fed with cleaned HTML only. */

import Squire from "squire-rte";
import { HELLO } from "../../../frame/protocol";
import { type Command, type Format, type FromEditor, type ToEditor } from "../protocol";
import { SIGNATURE, editable, sendable, showImage } from "./editable";
import { plainText } from "./plain";

const PAUSE_MS = 250; // of typing, until the app is told

const urls = new Map<string, string>();
const root = document.createElement("div");
root.setAttribute("role", "textbox");
root.setAttribute("aria-multiline", "true");
document.body.append(root);
const squire = new Squire(root, {
  blockTag: "DIV",
  sanitizeToDOMFragment: (html) => editable(html, urls),
  tagAttributes: { blockquote: { type: "cite" } },
  didError: () => undefined,
});

let say: (said: FromEditor) => void = () => undefined;
let clock = 0;

function open(event: MessageEvent): void {
  const [port] = event.ports;
  if (event.source !== parent || event.data !== HELLO || !port) return;
  removeEventListener("message", open);
  say = (said) => port.postMessage(said);
  port.onmessage = (heard: MessageEvent<ToEditor>) => hear(heard.data);
  say({ kind: "ready" });
  new ResizeObserver(() => say({ kind: "height", height: Math.ceil(root.getBoundingClientRect().height) })).observe(root);
}

addEventListener("message", open);

function hear(said: ToEditor): void {
  switch (said.kind) {
    case "load":
      return load(said);
    case "do":
      obey(said.command, said.value);
      return tellFormat();
    case "image":
      return takeImage(said.cid, said.image, said.name, said.insert);
    case "signature":
      return exchangeSignature(said.html);
    case "look":
      return void document.documentElement.classList.toggle("inverted", said.inverted);
    case "tell":
      return changed();
    case "focus":
      squire.focus();
  }
}

function load(said: ToEditor & { kind: "load" }): void {
  document.documentElement.lang = said.lang;
  root.setAttribute("aria-label", said.label);
  root.spellcheck = true;
  for (const [cid, image] of said.images) urls.set(cid, URL.createObjectURL(image));
  squire.setHTML(said.html);
  squire.moveCursorToStart();
  say({ kind: "loaded", ...sent() });
}

function takeImage(cid: string, image: Blob, name: string, insert: boolean): void {
  urls.set(cid, URL.createObjectURL(image));
  if (insert) squire.insertImage(urls.get(cid) ?? "", { "data-cid": cid, alt: name });
  else for (const each of root.querySelectorAll<HTMLImageElement>("img")) if (each.dataset.cid === cid) showImage(each, cid, urls);
}

/** The signature's block with other content; where there is none, one before the quote or at the end. */
function exchangeSignature(html: string): void {
  squire.saveUndoState();
  squire.modifyDocument(() => {
    let block = root.querySelector<HTMLElement>(`.${SIGNATURE}`);
    if (!html) return block?.remove();
    if (!block) {
      block = document.createElement("div");
      block.className = SIGNATURE;
      root.insertBefore(block, [...root.children].find((each) => each.querySelector("blockquote") || each.tagName === "BLOCKQUOTE") ?? null);
    }
    block.replaceChildren(editable(html, urls));
  });
  changed();
}

const COMMANDS: Record<Command, (value: string) => unknown> = {
  bold: () => (squire.hasFormat("B") ? squire.removeBold() : squire.bold()),
  italic: () => (squire.hasFormat("I") ? squire.removeItalic() : squire.italic()),
  underline: () => (squire.hasFormat("U") ? squire.removeUnderline() : squire.underline()),
  strikethrough: () => (squire.hasFormat("S") ? squire.removeStrikethrough() : squire.strikethrough()),
  bullets: () => (squire.hasFormat("UL") ? squire.removeList() : squire.makeUnorderedList()),
  numbers: () => (squire.hasFormat("OL") ? squire.removeList() : squire.makeOrderedList()),
  quote: () => squire.increaseQuoteLevel(),
  unquote: () => squire.decreaseQuoteLevel(),
  link: (url) => squire.makeLink(url),
  unlink: () => squire.removeLink(),
  clear: () => squire.removeAllFormatting(),
  undo: () => squire.undo(),
  redo: () => squire.redo(),
  left: () => squire.setTextAlignment("left"),
  center: () => squire.setTextAlignment("center"),
  right: () => squire.setTextAlignment("right"),
  colour: (colour) => squire.setTextColor(colour || null),
  size: (size) => squire.setFontSize(size || null),
};

function obey(command: Command, value: string): void {
  squire.focus();
  COMMANDS[command](value);
  changed();
}

function tellFormat(): void {
  const format: Format = {
    bold: squire.hasFormat("B"),
    italic: squire.hasFormat("I"),
    underline: squire.hasFormat("U"),
    strikethrough: squire.hasFormat("S"),
    bullets: squire.hasFormat("UL"),
    numbers: squire.hasFormat("OL"),
    quote: squire.hasFormat("BLOCKQUOTE"),
    link: linkAtCursor(),
  };
  say({ kind: "format", format });
}

function linkAtCursor(): string {
  const at = squire.getSelection().startContainer;
  return (at instanceof Element ? at : at.parentElement)?.closest("a")?.getAttribute("href") ?? "";
}

function changed(): void {
  clearTimeout(clock);
  clock = 0;
  say({ kind: "changed", ...sent() });
}

function sent(): { html: string; text: string } {
  const made = sendable(squire.getHTML());
  return { html: made.innerHTML, text: plainText(made.content) };
}

squire.addEventListener("input", () => {
  clearTimeout(clock);
  clock = setTimeout(changed, PAUSE_MS) as unknown as number;
});
squire.addEventListener("pathChange", tellFormat);
squire.addEventListener("select", tellFormat);
root.addEventListener("blur", () => clock && changed());
squire.addEventListener("pasteImage", ((event: CustomEvent<{ clipboardData: DataTransfer }>) =>
  takeFiles(event.detail.clipboardData)) as unknown as (event: Event) => void);

/** Files are the app's: it keeps them, and says which to show. */
function takeFiles(data: DataTransfer | null): boolean {
  const files = [...(data?.files ?? [])];
  if (files.length) say({ kind: "files", files });
  return files.length > 0;
}

document.addEventListener("drop", (event) => takeFiles(event.dataTransfer) && (event.preventDefault(), event.stopPropagation()), true);
document.addEventListener("dragover", (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault(), true);
document.addEventListener("click", (event) => event.target instanceof Element && event.target.closest("a") && event.preventDefault());
document.addEventListener("keydown", (event) => {
  const isShortcut = event.key === "Escape" || ((event.ctrlKey || event.metaKey) && (event.key === "Enter" || event.key === "k"));
  if (!isShortcut || event.isComposing) return;
  event.preventDefault();
  event.stopPropagation();
  if (clock) changed();
  const { key, code, ctrlKey, shiftKey, altKey, metaKey } = event;
  say({ kind: "key", key, code, ctrlKey, shiftKey, altKey, metaKey });
}, true);
