/** Words as they are compared: lower case, without diacritics; ß is ss, and ä is a as well as what it is written as. */

/** "Größe" → "grosse". Lengths are not kept. */
export function fold(text: string): string {
  return text.toLowerCase().replace(/ß/g, "ss").replace(/æ/g, "ae").replace(/ø/g, "o").replace(/ł/g, "l")
    .normalize("NFKD").replace(/\p{M}+/gu, "");
}

const NOT_WORDS = /[^\p{L}\p{N}@._+-]+/gu;
const EDGES = /(^|\s)[@._+-]+|[@._+-]+(?=\s|$)/g;

/** Folded, one space before and between: " anna at the lake". A prefix of a word is found as " " + prefix. */
export function words(text: string): string {
  const found = fold(text).replace(NOT_WORDS, " ").replace(EDGES, " ").replace(/ {2,}/g, " ").trim();
  return found ? ` ${found} ` : "";
}
