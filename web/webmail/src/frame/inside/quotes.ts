/** Quotes are folded: the answer is what one wants to read. */

/** A closed <details> that holds `content`. */
export function folded(document: Document, label: string, content: Node[]): HTMLElement {
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = "•••";
  summary.setAttribute("aria-label", label);
  summary.title = label;
  details.append(summary, ...content);
  return details;
}

/** Folds the outermost quotes of cleaned HTML; not one that is all there is, as in a message sent on. */
export function foldQuotes(body: HTMLElement, label: string): void {
  for (const quote of body.querySelectorAll<HTMLElement>("[data-quote]")) {
    if (quote.parentElement?.closest("[data-quote], details")) continue;
    if (!hasWordsBefore(body, quote)) continue;
    const place = body.ownerDocument.createComment("");
    quote.replaceWith(place);
    place.replaceWith(folded(body.ownerDocument, label, [quote]));
  }
}

function hasWordsBefore(body: HTMLElement, quote: HTMLElement): boolean {
  const walker = body.ownerDocument.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!(node.compareDocumentPosition(quote) & Node.DOCUMENT_POSITION_FOLLOWING)) return false;
    if (node.textContent?.trim()) return true;
  }
  return false;
}
