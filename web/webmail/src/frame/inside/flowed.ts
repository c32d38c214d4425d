/** Plain text as paragraphs with a quote depth: RFC 3676 (format=flowed), and text that isn't. */

export interface Line {
  /** How many ">" stood before it. */
  depth: number;
  text: string;
}

/** One Line per paragraph for flowed text, one per line otherwise. RFC 3676 §4. */
export function lines(text: string, flowed: boolean, delSp: boolean): Line[] {
  const found: Line[] = [];
  let open = false; // whether the last line goes on in the next
  for (const raw of text.replace(/\r\n?/g, "\n").split("\n")) {
    const line = flowed ? stuffed(raw) : quoted(raw);
    const before = found.at(-1);
    const isSignature = line.text === "-- ";
    if (open && before && before.depth === line.depth && !isSignature) before.text += line.text;
    else found.push(line);
    open = flowed && !isSignature && line.text.endsWith(" ");
    const last = found.at(-1);
    if (open && delSp && last) last.text = last.text.slice(0, -1);
  }
  return found;
}

/** §4.5: quote marks are counted without spaces between them, then one space of stuffing goes. */
function stuffed(raw: string): Line {
  const depth = /^>*/.exec(raw)?.[0].length ?? 0;
  const rest = raw.slice(depth);
  return { depth, text: rest.startsWith(" ") ? rest.slice(1) : rest };
}

/** Quotes of other programs: "> > text", ">> text". ">From" is mbox's mark of a line that isn't quoted. */
function quoted(raw: string): Line {
  if (/^>From /.test(raw)) return { depth: 0, text: raw.slice(1) };
  const marks = /^(?:> ?)+/.exec(raw)?.[0] ?? "";
  return { depth: marks.replace(/ /g, "").length, text: raw.slice(marks.length) };
}
