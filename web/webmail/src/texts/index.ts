/** Whatever customers read, in their language: `t("list.empty")`, `t("list.count", { n: 3 })`.
 *
 * Each language is one chunk, loaded when it is spoken. `en/` and `de/` hold one file for each part of the
 * webmail, so that parts written apart don't meet in one file. A text with forms for one and many is chosen by
 * `n` through Intl.PluralRules. Components that call `t` are drawn again when the language changes.
 */

import { signal } from "@preact/signals";
import type { English } from "./en";

export type Key = keyof English;
export type Text = string | { one: string; other: string };
export type Texts = Record<Key, Text>;
export type Language = "de" | "en";

export const LANGUAGES: Record<Language, string> = { de: "Deutsch", en: "English" };

const KEPT = "holdfast.language";
const chunks: Record<Language, () => Promise<{ default: Texts }>> = {
  de: () => import("./de"),
  en: () => import("./en"),
};

export const language = signal<Language>(spoken());
const texts = signal<Partial<Texts>>({});

/** Loads the language and speaks it from now on; without one, what this browser spoke last or prefers. */
export async function speak(chosen: Language = language.peek()): Promise<void> {
  const loaded = await chunks[chosen]();
  texts.value = loaded.default;
  language.value = chosen;
  document.documentElement.lang = chosen;
  keep(chosen);
}

export function t(key: Key, values: Record<string, string | number> = {}): string {
  const text = texts.value[key];
  if (text === undefined) return key;
  const chosen = typeof text === "string" ? text : text[form(Number(values.n))];
  return chosen.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? new Intl.NumberFormat(locale()).format(value) : value;
  });
}

/** The language as this browser's owner writes it: "en-GB" where English is spoken and that is preferred. */
export function locale(): string {
  const spoken = language.value;
  return (navigator.languages ?? []).find((each) => each.slice(0, 2) === spoken) ?? spoken;
}

/** Names in a sentence: “Anna, Ben and Cem”. */
export function listed(names: string[]): string {
  return new Intl.ListFormat(locale(), { type: "conjunction", style: "long" }).format(names);
}

function form(n: number): "one" | "other" {
  return new Intl.PluralRules(language.value).select(n) === "one" ? "one" : "other";
}

function spoken(): Language {
  const wanted = [kept(), ...(navigator.languages ?? [])].map((each) => (each ?? "").slice(0, 2));
  return wanted.find((each): each is Language => each === "de" || each === "en") ?? "en";
}

function kept(): string | null {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

function keep(chosen: Language): void {
  try {
    localStorage.setItem(KEPT, chosen);
  } catch {
    // a browser that keeps nothing asks again next time
  }
}
