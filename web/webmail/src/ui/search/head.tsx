/** Over the results: what was understood, piece by piece, each to be taken away; quick narrowings; keeping it. */

import { mail, type SearchPiece } from "../../data";
import { language, t } from "../../texts";
import { mailboxBefore } from "../list/current";
import { mailboxName } from "../names";
import { Icon } from "../pieces/icon";
import { toast } from "../pieces/toast";
import { go } from "../router";
import { setting } from "../setting";

/** Spelled in the language that is spoken; each is offered while it isn't in the search yet. */
const NARROWINGS = {
  attachment: { en: "has:attachment", de: "hat:anhang" },
  unread: { en: "is:unread", de: "ist:ungelesen" },
  starred: { en: "is:starred", de: "ist:markiert" },
  year: { en: "newer_than:1y", de: "neuer_als:1j" },
} as const;

export function SearchHead({ query }: { query: string }) {
  const parsed = mail.search.parse(query);
  const without = (piece: SearchPiece) =>
    `${query.slice(0, piece.start)}${query.slice(piece.end)}`.replace(/\s+/g, " ").trim();
  const to = (next: string) => (next ? go({ view: "search", query: next }) : go({ view: "mail", mailbox: "inbox" }));
  // One word says nothing that the title doesn't.
  const told = parsed.pieces.length > 1 || parsed.pieces.some((each) => each.operator || each.not);
  const kept = setting("searches").some((each) => each.text === query);
  const here = within(query);
  const offered = (Object.keys(NARROWINGS) as (keyof typeof NARROWINGS)[]).filter(
    (each) => !query.includes(spelled(each)),
  );
  return (
    <div class="search-head">
      {told && (
        <ul class="chips" aria-label={t("search.pieces")}>
          {parsed.pieces.map((piece) => (
            <li key={`${piece.start}-${piece.value}`} class={piece.wrong ? "chip wrong" : "chip strong"}>
              <span>{pieceText(query, piece)}</span>
              {piece.wrong && <span class="aside">{t("search.wrong")}</span>}
              <button
                type="button"
                aria-label={t("search.without", { piece: pieceText(query, piece) })}
                onClick={() => to(without(piece))}
              >
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <div class="search-ways">
        {here && (
          <button type="button" class="chip way" onClick={() => to(`${query} ${here.term}`)}>
            {t("search.narrow.here", { name: here.name })}
          </button>
        )}
        {offered.map((each) => (
          <button key={each} type="button" class="chip way" onClick={() => to(`${query} ${spelled(each)}`)}>
            {t(`search.narrow.${each}`)}
          </button>
        ))}
        <button type="button" class="chip way" aria-pressed={kept} onClick={() => keep(query, kept)}>
          <Icon name={kept ? "check" : "plus"} />
          {t(kept ? "search.kept" : "search.keep")}
        </button>
      </div>
    </div>
  );
}

function spelled(narrowing: keyof typeof NARROWINGS): string {
  return NARROWINGS[narrowing][language.value];
}

/** The mailbox one came from as a term, unless the search names a mailbox already. */
function within(query: string): { term: string; name: string } | null {
  const mailbox = mailboxBefore.value;
  if (!mailbox || mailbox.role === "all" || mail.search.parse(query).pieces.some((each) => each.operator === "in"))
    return null;
  const plain = mailbox.role ?? mailbox.name;
  return {
    term: /[\s"()]/.test(plain) ? `in:"${plain.replaceAll('"', "")}"` : `in:${plain}`,
    name: mailboxName(mailbox),
  };
}

/** The piece as it was typed. */
function pieceText(query: string, piece: SearchPiece): string {
  const typed = query.slice(piece.start, piece.end);
  return piece.not && !typed.startsWith("-") ? t("search.not", { piece: typed }) : typed;
}

function keep(query: string, kept: boolean): void {
  const others = mail.settings.now.peek().searches.filter((each) => each.text !== query);
  void mail.settings.set({ searches: kept ? others : [...others, { name: query, text: query }] });
  toast({ text: t(kept ? "search.forgotten" : "search.keptText") });
}
