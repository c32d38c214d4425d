/** What a notification says: who wrote and about what; or only that something came. */

import type { Settings } from "../data/contract";
import type { Language } from "../texts";

export interface Notice {
  title: string;
  body: string;
}

export function noticeOf(from: { name: string | null; email: string } | undefined, subject: string, count: number): Notice {
  return { title: (from?.name || from?.email || "") + (count > 1 ? ` (+${count - 1})` : ""), body: subject };
}

/** The service worker has no other text than this one. */
const NEW_MAIL: Record<Language, string> = { en: "You have new mail.", de: "Sie haben neue E-Mails." };

export function plainNotice(product: string, language: Settings["language"]): Notice {
  const spoken = language === "auto" ? navigator.language.slice(0, 2) : language;
  return { title: product || "Mail", body: NEW_MAIL[spoken === "de" ? "de" : "en"] };
}

/** One at a time: a later one takes the place of the one before. */
export const SHOWN = { tag: "mail", icon: "./icon.svg" };
