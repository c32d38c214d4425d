/** mailto: addresses (RFC 6068) as fields of a new message. */

const TAKEN: readonly string[] = ["to", "cc", "bcc", "subject", "body"];

/** Only the five fields that are safe to take over (RFC 6068 §4); others are left out. */
export function mailtoFields(url: string): Record<string, string> {
  const [path = "", query = ""] = url.replace(/^mailto:/i, "").split(/\?(.*)/s);
  const fields: Record<string, string> = {};
  if (path) fields.to = decode(path);
  for (const pair of query.split("&")) {
    const [name = "", value = ""] = pair.split(/=(.*)/s);
    const key = decode(name).toLowerCase();
    if (!TAKEN.includes(key) || !value) continue;
    fields[key] = key === "to" && fields.to ? `${fields.to}, ${decode(value)}` : decode(value);
  }
  return fields;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
