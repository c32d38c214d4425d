/** Words as they are compared: lower case, without diacritics, ß as ss. */

const SIMPLE = /^[\x00-\x7f]*$/;

/** "Größe" → "grosse". Lengths are not kept. */
export function fold(text: string): string {
  const lower = text.toLowerCase();
  if (SIMPLE.test(lower)) return lower;
  return lower.replace(/ß/g, "ss").replace(/æ/g, "ae").replace(/ø/g, "o").replace(/ł/g, "l").normalize("NFKD").replace(/\p{M}+/gu, "");
}

const BETWEEN = /[^\p{L}\p{N}]+/gu;

/** Folded, one space before, between and after: " anna example org ". What begins with a word is found as " " + word. */
export function words(text: string): string {
  const found = fold(text).replace(BETWEEN, " ").trim();
  return found ? ` ${found} ` : "";
}
