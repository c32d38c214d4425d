/** Addresses as they are typed and pasted: `Anna Muster <anna@example.org>, ben@example.net`. */

import type { Person } from "../data";

/** Cut at commas, semicolons and line ends that stand outside quotes, brackets and comments. */
export function parseAddresses(text: string): Person[] {
  const pieces = [...text.matchAll(/(?:"(?:\\.|[^"\\])*"|<[^>]*>|[^,;\n<"]|["<])+/g)].map((each) => each[0].trim());
  return pieces.filter(Boolean).map(parseAddress);
}

function parseAddress(text: string): Person {
  const named = /^(.*?)<([^<>]*)>\s*$/s.exec(text);
  const email = (named?.[2] ?? text).trim().replace(/^mailto:/i, "");
  const name = (named?.[1] ?? "").trim().replace(/^"(.*)"$/s, "$1").replace(/\\(.)/g, "$1").replace(/^'(.*)'$/, "$1");
  return { name, email };
}

export function writeAddress({ name, email }: Person): string {
  if (!name || name === email) return email;
  return `${/[",;:<>()@[\]\\]/.test(name) ? `"${name.replace(/["\\]/g, "\\$&")}"` : name} <${email}>`;
}

/** What is wrong with an address: `bad` can't be sent to, `odd` looks like another than it is. */
export type Flaw = "noDomain" | "bad" | "odd" | null;

const LOCAL = /^(?:"(?:\\.|[^"\\])+"|[^\s"(),:;<>@[\\\]]+)$/;
const LABEL = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?$/u;

export function flawOf({ email }: Person): Flaw {
  const at = email.lastIndexOf("@");
  const [local, domain] = at < 0 ? [email, ""] : [email.slice(0, at), email.slice(at + 1)];
  if (!domain) return local && !/\s/.test(local) ? "noDomain" : "bad";
  if (!LOCAL.test(local) || local.startsWith(".") || local.endsWith(".") || local.includes("..")) return "bad";
  if (/^\[[\da-f.:]+\]$/i.test(domain) || /^\[IPv6:[\da-f:.]+\]$/i.test(domain)) return null;
  const labels = domain.split(".");
  if (!labels.every((each) => LABEL.test(each) && each.length <= 63) || domain.length > 253) return "bad";
  if (labels.length < 2) return "noDomain";
  return isOdd(domain) ? "odd" : null;
}

/** Letters of more than one script, or of one that is written like Latin: раураl.example is not paypal.example. */
function isOdd(domain: string): boolean {
  if (/(?:^|\.)xn--/i.test(domain)) return true;
  return domain.split(".").some((label) => /[\p{Script=Cyrillic}\p{Script=Greek}]/u.test(label) && /[a-z]/i.test(domain));
}

export function isSame(one: Person, other: Person): boolean {
  return one.email.trim().toLowerCase() === other.email.trim().toLowerCase();
}

/** Each address once; the first spelling stays. */
export function unique(people: Person[]): Person[] {
  return people.filter((each, at) => people.findIndex((other) => isSame(each, other)) === at);
}
