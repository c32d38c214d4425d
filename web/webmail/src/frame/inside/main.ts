/** The page with an opaque origin in which one message is shown. It knows its port and nothing else. */

import { type FromFrame, HELLO, type Look, type Show, type ToFrame } from "../protocol";
import { target } from "./address";
import { clean } from "./clean";
import { foldQuotes } from "./quotes";
import { render } from "./text";

const NARROWEST = 0.5; // a message wider than the frame is made smaller down to this, then it is scrolled

const message = document.createElement("main");
message.className = "hf-message";
document.body.append(message);

function open(event: MessageEvent): void {
  const [port] = event.ports;
  if (event.source !== parent || event.data !== HELLO || !port) return;
  removeEventListener("message", open);
  const say = (said: FromFrame) => port.postMessage(said);
  port.onmessage = (heard: MessageEvent<ToFrame>) => (heard.data.kind === "show" ? show(heard.data, say) : look(heard.data));
  watchSize(say);
  watchKeys(say);
  watchLinks(say);
}

addEventListener("message", open);

let urls: string[] = [];

function show(shown: Show, say: (said: FromFrame) => void): void {
  urls.forEach((each) => URL.revokeObjectURL(each));
  const inline = new Map([...shown.inline].map(([id, image]) => [id, URL.createObjectURL(image)]));
  urls = [...inline.values()];
  document.documentElement.lang = shown.texts.lang;
  let [blocked, mismatched] = [0, 0];
  if (shown.html !== undefined) {
    const cleaned = clean(shown.html, { remoteImages: shown.remoteImages, inline });
    ({ blocked, mismatched } = cleaned);
    foldQuotes(cleaned.body, shown.texts.quote);
    name(cleaned.body, shown.texts);
    message.replaceChildren(...cleaned.body.childNodes);
  } else {
    message.replaceChildren(render(document, { ...shown, text: shown.text ?? "" }, shown.texts.quote));
  }
  say({ kind: "shown", blocked, mismatched });
}

/** Words of the reader's language where cleaning left marks. */
function name(body: HTMLElement, texts: Show["texts"]): void {
  for (const box of body.querySelectorAll<HTMLElement>(".hf-image")) {
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", box.textContent ? `${texts.image}: ${box.textContent}` : texts.image);
  }
  for (const link of body.querySelectorAll<HTMLElement>("[data-leads-to]")) {
    const mark = body.ownerDocument.createElement("span");
    mark.className = "hf-leads-to";
    mark.textContent = `${texts.leadsTo} ${link.dataset.leadsTo}`;
    link.append(mark);
  }
}

function look(wanted: Look): void {
  document.documentElement.classList.toggle("hf-inverted", wanted.inverted);
}

function watchSize(say: (said: FromFrame) => void): void {
  let told = -1;
  const measure = () => {
    fit();
    const height = Math.ceil(message.getBoundingClientRect().height);
    if (height !== told) say({ kind: "height", height: (told = height) });
  };
  new ResizeObserver(measure).observe(message);
  addEventListener("resize", measure);
  document.addEventListener("load", measure, true); // images
}

/** Makes a message smaller that is wider than the frame, as newsletters are on a telephone. */
function fit(): void {
  message.style.zoom = "1";
  const ratio = message.clientWidth / message.scrollWidth;
  if (ratio < 1) message.style.zoom = String(Math.max(ratio, NARROWEST));
}

function watchKeys(say: (said: FromFrame) => void): void {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.key === "Tab") return;
    const actsHere = event.key === "Enter" || event.key === " ";
    if (actsHere && event.target instanceof Element && event.target.closest("a, summary")) return;
    if (event.key === "/" || event.key === "'") event.preventDefault(); // Firefox would search the page
    const { key, code, ctrlKey, shiftKey, altKey, metaKey } = event;
    say({ kind: "key", key, code, ctrlKey, shiftKey, altKey, metaKey });
  });
}

/** Only links that were cleaned are followed, and those in a tab of their own; addresses go to the app. */
function watchLinks(say: (said: FromFrame) => void): void {
  const linkOf = (event: Event) => (event.target instanceof Element ? event.target.closest("a, area") : null);
  const tell = (event: Event) => {
    const link = linkOf(event);
    const url = target(link?.getAttribute("href") ?? "");
    say({ kind: "link", url: url?.href ?? "", mismatched: link?.hasAttribute("data-leads-to") ?? false });
  };
  for (const each of ["mouseover", "focusin"]) document.addEventListener(each, tell);
  for (const each of ["mouseleave", "focusout"]) {
    document.documentElement.addEventListener(each, () => say({ kind: "link", url: "", mismatched: false }));
  }
  const follow = (event: Event) => {
    const link = linkOf(event);
    const url = target(link?.getAttribute("href") ?? "");
    if (!link) return;
    if (url?.protocol === "mailto:") say({ kind: "mailto", url: url.href });
    if (!url || url.protocol === "mailto:" || link.getAttribute("target") !== "_blank") event.preventDefault();
  };
  document.addEventListener("click", follow, true);
  document.addEventListener("auxclick", follow, true);
  document.addEventListener("submit", (event) => event.preventDefault(), true);
}
