/** What can be done to what is selected. */

import type { Row } from "../../data";
import { t } from "../../texts";
import { act, ofRows, starTarget, target } from "../acts";
import { ask } from "../choose/asked";
import { Menu, type MenuEntry } from "../pieces/menu";
import { Tool } from "../pieces/tool";
import { clearSelection, list, mailboxNow, selected, selectWhere, whole } from "./current";
import { destroyAsked } from "./destroy";
import { snoozing } from "./row_menu";

export function BulkBar() {
  const n = selected.value.size;
  const length = list.value?.view.value.length ?? 0;
  const rows = [...selected.value.values()];
  const role = mailboxNow.value?.role ?? null;
  const unread = rows.some((each) => each.unread);
  const final = role === "trash" || role === "junk";
  const all = whole.value ? length : n;
  return (
    <>
      <div class="list-head bulk" role="toolbar" aria-label={t("bulk.label")}>
        <Tool icon="close" text={t("bulk.none")} run={clearSelection} />
        <span class="bulk-count" role="status">
          {t("bulk.count", { n: all })}
        </span>
        {role !== "archive" && role !== "trash" && (
          <Tool icon="archive" text={t("act.archive")} run={() => act("archive")} />
        )}
        {final ? (
          <Tool icon="trash" text={t("act.destroy")} run={() => destroyAsked(target() ?? ofRows(rows))} />
        ) : (
          <Tool icon="trash" text={t("act.trash")} run={() => act("trash")} />
        )}
        <Tool
          icon={unread ? "read" : "unread"}
          text={t(unread ? "act.read" : "act.unread")}
          run={() => act(unread ? "read" : "unread")}
        />
        <Tool icon="move" text={t("act.move")} run={() => ask("move")} />
        <Menu label={t("more")} items={() => more(role, rows)} />
      </div>
      {!whole.value && length > n && n > 1 && (
        <p class="whose">
          {t("bulk.some", { n })}
          <button type="button" class="button quiet" onClick={() => (whole.value = true)}>
            {t("bulk.all", { n: length })}
          </button>
        </p>
      )}
    </>
  );
}

function more(role: string | null, rows: Row[]): MenuEntry[] {
  return [
    { text: t("act.label"), icon: "label", run: () => ask("label") },
    ...(snoozing() ? [{ text: t("act.snooze"), icon: "clock", run: () => ask("snooze") } satisfies MenuEntry] : []),
    { text: t(rows.every((each) => each.starred) ? "act.unstar" : "act.star"), icon: "star", run: starTarget },
    role === "junk"
      ? { text: t("act.notJunk"), icon: "inbox", run: () => act("notJunk") }
      : { text: t("act.junk"), icon: "junk", run: () => act("junk") },
    "-",
    { text: t("bulk.shown"), icon: "check", run: () => selectWhere(() => true) },
    { text: t("keys.selectUnread"), run: () => selectWhere((row) => row.unread) },
    { text: t("keys.selectStarred"), run: () => selectWhere((row) => row.starred) },
  ];
}
