/** HTML on its way into the editor and out of it: cleaned, images shown from where they are at hand. */

import { target } from "../../../frame/inside/address";
import { DATA_IMAGE, contentId, purified } from "../../../frame/inside/clean";
import { cleanStyle } from "../../../frame/inside/style";

export const SIGNATURE = "signature";
// Nothing, drawn: the box around it is the style sheet's.
const NOTHING = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

/** What may be edited of `html`: of a draft, a quoted message, the clipboard. `images`: Content-Id → URL. */
export function editable(html: string, images: ReadonlyMap<string, string>): DocumentFragment {
  const body = purified(html);
  for (const each of body.querySelectorAll<HTMLElement>("*")) {
    keepStyle(each);
    if (each.className !== SIGNATURE) each.removeAttribute("class");
    each.removeAttribute("background");
    if (each instanceof HTMLImageElement) keepImage(each, images);
    else each.removeAttribute("src");
    if (!(each instanceof HTMLAnchorElement) || !target(each.getAttribute("href") ?? "")) each.removeAttribute("href");
  }
  const fragment = document.createDocumentFragment();
  fragment.append(...[...body.childNodes].map((each) => document.importNode(each, true)));
  return fragment;
}

function keepStyle(element: HTMLElement): void {
  if (!element.hasAttribute("style")) return;
  const { kept } = cleanStyle(element.style, false);
  element.removeAttribute("style");
  for (const [name, value] of kept) if (value !== "initial") element.style.setProperty(name, value);
}

/** The image's real address waits in an attribute: the page itself fetches nothing. */
function keepImage(image: HTMLImageElement, images: ReadonlyMap<string, string>): void {
  const address = image.getAttribute("src")?.trim() ?? "";
  if (DATA_IMAGE.test(address)) return;
  if (/^cid:/i.test(address)) showImage(image, contentId(address), images);
  else if (/^https?:/i.test(address)) {
    image.dataset.remote = address;
    image.src = NOTHING;
  } else image.remove();
}

export function showImage(image: HTMLImageElement, cid: string, images: ReadonlyMap<string, string>): void {
  image.dataset.cid = cid;
  image.src = images.get(cid) ?? NOTHING;
}

/** As it is sent: each image with its real address, without the editor's own marks. */
export function sendable(html: string): HTMLTemplateElement {
  const made = document.createElement("template");
  made.innerHTML = html;
  for (const image of made.content.querySelectorAll("img")) {
    const { cid, remote } = image.dataset;
    if (cid) image.setAttribute("src", `cid:${encodeURI(cid)}`);
    else if (remote) image.setAttribute("src", remote);
    image.removeAttribute("data-cid");
    image.removeAttribute("data-remote");
  }
  for (const each of made.content.querySelectorAll('blockquote:not([type="cite"])')) each.setAttribute("type", "cite");
  return made;
}
