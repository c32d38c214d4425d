/** A document in plain text, for the alternative that every HTML message carries. */

const BLOCKS = new Set(
  "ADDRESS ARTICLE ASIDE BLOCKQUOTE CENTER DD DETAILS DIV DL DT FIGCAPTION FIGURE FOOTER H1 H2 H3 H4 H5 H6 HEADER HR LI MAIN MENU NAV OL P PRE SECTION TABLE TBODY TFOOT THEAD TR UL".split(" "),
);
const APART = new Set("P H1 H2 H3 H4 H5 H6 BLOCKQUOTE UL OL TABLE PRE".split(" "));

/** Paragraphs are set apart by an empty line, quotes begin with ">", links name where they lead; before the
 * signature stands its mark (RFC 3676 §4.3). */
export function plainText(root: Node): string {
  return block(root)
    .join("\n")
    .replace(/\u200b/g, "")
    .replace(/[ \t]+$/gm, (spaces, at: number, all: string) => (isSignatureMark(all, at) ? " " : spaces && ""))
    .replace(/\n{3,}/g, "\n\n")
    .replace(/^\n+|\n+$/g, "");
}

function isSignatureMark(text: string, at: number): boolean {
  return text.slice(0, at).split("\n").at(-1) === "--";
}

/** The lines of an element's content. */
function block(node: Node): string[] {
  const lines: string[] = [];
  let running = "";
  const end = () => {
    if (running.trim()) lines.push(running.trim());
    running = "";
  };
  for (const child of node.childNodes) {
    if (!(child instanceof Element) || !BLOCKS.has(child.tagName)) {
      const [first = "", ...rest] = inline(child).split("\n");
      running += running && !running.endsWith(" ") ? first : first.replace(/^ /, "");
      for (const line of rest) {
        lines.push(running.trim());
        running = line;
      }
      continue;
    }
    end();
    const inside = blockOf(child);
    const apart = APART.has(child.tagName) && !(child.tagName !== "BLOCKQUOTE" && node instanceof Element && node.tagName === "LI");
    if (apart && lines.length && lines.at(-1) !== "") lines.push("");
    lines.push(...inside);
    if (apart && inside.length) lines.push("");
  }
  end();
  return lines;
}

function blockOf(element: Element): string[] {
  switch (element.tagName) {
    case "BLOCKQUOTE":
      return trimmed(block(element)).map((each) => (each.startsWith(">") || !each ? `>${each}` : `> ${each}`));
    case "UL":
    case "MENU":
      return items(element, () => "- ");
    case "OL":
      return items(element, (number) => `${number}. `);
    case "TR":
      return [[...element.children].map((each) => trimmed(block(each)).join(" ")).filter(Boolean).join("  ")];
    case "HR":
      return ["-".repeat(20)];
    case "PRE":
      return (element.textContent ?? "").replace(/\n$/, "").split("\n");
    default: {
      const inside = block(element);
      if (element.classList.contains("signature") && inside.length) return ["-- ", ...inside];
      return inside.length || !isEmptyLine(element) ? inside : [""];
    }
  }
}

function items(list: Element, mark: (number: number) => string): string[] {
  let number = Number(list.getAttribute("start") ?? 1) || 1;
  return [...list.children].flatMap((item) => {
    const sign = mark(number++);
    return trimmed(block(item)).map((line, at) => (at ? " ".repeat(sign.length) : sign) + line);
  });
}

/** A line of the editor with nothing on it: <div><br></div>. */
function isEmptyLine(element: Element): boolean {
  return element.tagName === "DIV" || element.tagName === "P" ? element.querySelector("br") !== null : false;
}

function inline(node: Node): string {
  if (node.nodeType === Node.TEXT_NODE) return (node.textContent ?? "").replace(/[ \t\r\n\f]+/g, " ").replace(/\u00a0/g, " ");
  if (!(node instanceof Element)) return "";
  if (node.tagName === "BR") return node.parentNode?.lastChild === node ? "" : "\n";
  if (node.tagName === "IMG") return node.getAttribute("alt") ? `[${node.getAttribute("alt")}]` : "";
  const text = [...node.childNodes].map(inline).join("");
  return node.tagName === "A" ? named(text, node.getAttribute("href") ?? "") : text;
}

function named(text: string, href: string): string {
  const address = href.replace(/^mailto:/i, "");
  const bare = (each: string) => each.trim().toLowerCase().replace(/^https?:\/\//, "").replace(/\/$/, "");
  if (!address || bare(text) === bare(address)) return text || address;
  return text.trim() ? `${text} <${address}>` : `<${address}>`;
}

function trimmed(lines: string[]): string[] {
  let [first, last] = [0, lines.length];
  while (first < last && !lines[first]) first += 1;
  while (last > first && !lines[last - 1]) last -= 1;
  return lines.slice(first, last);
}
