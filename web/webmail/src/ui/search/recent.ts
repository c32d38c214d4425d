/** The last searches, with the person's settings so that they follow to other devices. */

import { mail } from "../../data";

const KEPT = 6;

export function recent(): string[] {
  const kept = mail.settings.now.peek().own.searches;
  return Array.isArray(kept) ? kept.filter((each): each is string => typeof each === "string").slice(0, KEPT) : [];
}

export function remember(query: string): void {
  if (!query) return;
  const searches = [query, ...recent().filter((each) => each !== query)].slice(0, KEPT);
  void mail.settings.set({ own: { ...mail.settings.now.peek().own, searches } });
}
