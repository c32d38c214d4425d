/** Text and HTML in strings. FRAME-5: HTML is never parsed in the app's own page. */

const NAMED: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => NAMED[letter] ?? letter);
}

/** Plain text for the rich editor: a block for each line, quotes as quotes. */
export function toHtml(text: string): string {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  let html = "";
  let depth = 0;
  for (const line of lines) {
    const marks = /^(?:> ?)*/.exec(line)?.[0] ?? "";
    const wanted = marks.replace(/ /g, "").length;
    for (; depth < wanted; depth++) html += '<blockquote type="cite">';
    for (; depth > wanted; depth--) html += "</blockquote>";
    const rest = escaped(line.slice(marks.length)).replace(/ {2}/g, " &nbsp;");
    html += `<div>${rest || "<br>"}</div>`;
  }
  return html + "</blockquote>".repeat(depth);
}

/** Each line behind ">", without a space before what is quoted already. */
export function quoted(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/\n+$/, "")
    .split("\n")
    .map((line) => (line.startsWith(">") || !line ? `>${line}` : `> ${line}`))
    .join("\n");
}
