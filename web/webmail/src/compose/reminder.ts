/** Does the text speak of an attachment? Asked before a message without one is sent. */

const GERMAN = "anhang|anhänge[n]?|anlagen?|anbei|beigefügt\\p{L}*|angehängt\\p{L}*|beiliegend\\p{L}*|hänge (?:\\S+ ){0,5}an|füge (?:\\S+ ){0,5}bei";
const ENGLISH = "attach(?:ed|ing|ment|ments)?|enclosed|enclosing|enclosures?";
// Words end where letters end; \b would know no umlauts.
const WORDS = new RegExp(`(?<!\\p{L})(?:${GERMAN}|${ENGLISH})(?!\\p{L})`, "iu");

/** `text` is the whole body; quotes, the signature and what is sent on don't count. */
export function speaksOfAttachment(subject: string, text: string): boolean {
  return WORDS.test(`${subject}\n${ownWords(text)}`.replace(/[^\S\n]+/g, " "));
}

function ownWords(text: string): string {
  const lines = text.split("\n");
  const end = lines.findIndex((line) => line === "-- " || line === "--" || /^-{3,}.*-{3,}$/.test(line.trim()));
  return (end < 0 ? lines : lines.slice(0, end)).filter((line) => !line.startsWith(">")).join("\n");
}
