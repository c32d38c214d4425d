/** A message's HTML, cleaned a second time: by a list of what is kept, in a document that has no window.
 *
 * Neither id, name nor form controls are kept, so nothing can be clobbered; the result is never written out and
 * parsed again, so it can't mutate. What would fetch something is left out here, before the CSP has to say no (FRAME-2).
 */

import DOMPurify, { type Config } from "dompurify";
import { isMismatched, target } from "./address";
import { cleanStyle } from "./style";

const TAGS = (
  "a abbr acronym address article aside b bdi bdo big blockquote br caption center cite code col colgroup " +
  "dd del details dfn dir div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd " +
  "li main mark menu nav ol p pre q s samp section small span strike strong sub summary sup table tbody td " +
  "tfoot th thead time tr tt u ul var wbr"
).split(" ");

/** Addresses; cleaning looks at each again. */
const ADDRESSES = ["href", "src", "background"];
const ATTRIBUTES = (
  "align alt bgcolor border cellpadding cellspacing class color cols colspan dir face headers height hspace lang " +
  "nowrap reversed rowspan rules scope size span start style summary title type valign value vspace width"
).split(" ");

const PURIFY: Config & { RETURN_DOM: true } = {
  ALLOWED_TAGS: TAGS,
  ALLOWED_ATTR: [...ADDRESSES, ...ATTRIBUTES],
  ADD_URI_SAFE_ATTR: ATTRIBUTES, // their values needn't look like an address
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOW_UNKNOWN_PROTOCOLS: false,
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|tel:|cid:|data:image\/)/i,
  ALLOWED_NAMESPACES: ["http://www.w3.org/1999/xhtml"],
  RETURN_DOM: true,
};

// Images that draw and can do nothing else. SVG in <img> couldn't run either; it isn't needed.
export const DATA_IMAGE = /^data:image\/(?:png|jpe?g|gif|webp|avif|bmp)[;,]/i;
// Where other programs put what is answered; the attribute data-quote marks it from here on.
const QUOTES = "blockquote[type=cite], .gmail_quote, .yahoo_quoted, .protonmail_quote, .moz-cite-prefix + blockquote";
const INVISIBLE = 3; // pixels: what is smaller was put there to be counted, not to be seen

export interface Allowed {
  remoteImages: boolean;
  /** Content-Id → URL of the image, for cid: links. */
  inline: ReadonlyMap<string, string>;
}

export interface Clean {
  /** Of a document without a window; nothing has been fetched yet. */
  body: HTMLElement;
  /** Images from elsewhere that were left out. */
  blocked: number;
  /** Links whose text names another host than they lead to. */
  mismatched: number;
}

/** The body of a document without a window, with nothing in it but what is listed. */
export function purified(html: string): HTMLElement {
  // After a <br> no <frameset> can take the body's place.
  const body = DOMPurify.sanitize(`<br>${html}`, PURIFY) as HTMLElement;
  body.firstChild?.remove();
  return body;
}

export function clean(html: string, allowed: Allowed): Clean {
  const body = purified(html);
  const result: Clean = { body, blocked: 0, mismatched: 0 };
  for (const each of body.querySelectorAll<HTMLElement>("*")) {
    result.blocked += cleanBackground(each, allowed);
    if (each instanceof HTMLImageElement) result.blocked += cleanImage(each, allowed);
    else each.removeAttribute("src");
    if (each instanceof HTMLAnchorElement) result.mismatched += cleanLink(each);
    else each.removeAttribute("href");
    if (each.matches(QUOTES)) each.dataset.quote = "";
    each.removeAttribute("class");
    if (each.tagName === "BLOCKQUOTE") each.removeAttribute("type");
  }
  return result;
}

/** How many images of its style were left out. The old attribute becomes a style, for it to be judged as one. */
function cleanBackground(element: HTMLElement, allowed: Allowed): number {
  const address = target(element.getAttribute("background")?.trim() ?? "");
  element.removeAttribute("background");
  if (address) element.style.backgroundImage = `url("${address.href.replace(/["\\]/g, encodeURIComponent)}")`;
  if (!element.hasAttribute("style")) return 0;
  const { kept, blocked } = cleanStyle(element.style, allowed.remoteImages);
  element.removeAttribute("style");
  for (const [name, value] of kept) element.style.setProperty(name, value);
  return blocked;
}

function cleanImage(image: HTMLImageElement, allowed: Allowed): number {
  const address = image.getAttribute("src")?.trim() ?? "";
  const inline = /^cid:/i.test(address) ? allowed.inline.get(contentId(address)) : undefined;
  if (inline) image.setAttribute("src", inline);
  else if (DATA_IMAGE.test(address)) return 0;
  else if (/^https?:/i.test(address)) {
    if (allowed.remoteImages) return 0;
    image.replaceWith(...placeholder(image));
    return 1;
  } else image.replaceWith(image.alt);
  return 0;
}

export function contentId(address: string): string {
  const id = address.slice("cid:".length);
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

/** What stands where an image would: its words in a box of its size, or nothing. */
function placeholder(image: HTMLImageElement): Node[] {
  const [width, height] = [image.getAttribute("width"), image.getAttribute("height")].map(Number);
  const style = image.style;
  const isCounter =
    (width && width < INVISIBLE) || (height && height < INVISIBLE) || style.display === "none" || style.width === "1px";
  if (isCounter) return [];
  const box = image.ownerDocument.createElement("span");
  box.className = "hf-image";
  box.textContent = image.alt;
  if (width) box.style.width = `${Math.min(width, 1200)}px`;
  if (height) box.style.height = `${Math.min(height, 400)}px`;
  return [box];
}

function cleanLink(link: HTMLAnchorElement): number {
  const url = target(link.getAttribute("href") ?? "");
  if (!url) {
    link.removeAttribute("href");
    return 0;
  }
  link.setAttribute("href", url.href);
  link.setAttribute("target", "_blank");
  link.setAttribute("rel", "noopener noreferrer nofollow");
  if (!isMismatched(link.textContent ?? "", url)) return 0;
  link.setAttribute("data-leads-to", url.hostname);
  return 1;
}
