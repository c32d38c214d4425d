/** One row: who, what, how it begins, when, and its marks. */

import type { Row } from "../../data";
import { mail } from "../../data";
import { t } from "../../texts";
import { fullDate, listDate, shortDate } from "../../texts/dates";
import { mailboxName, personName, shortName } from "../names";
import { Face } from "../pieces/face";
import { Icon, type IconName } from "../pieces/icon";
import { Marked } from "../pieces/marked";

export interface RowProps {
  row: Row;
  index: number;
  marks: string[];
  selected: boolean;
  open: boolean;
  focused: boolean;
  /** Something is selected: faces are boxes to tick then. */
  selecting: boolean;
  top: string;
}

/** Clicks, keys and pointers are the list's: it finds the row by `data-key` and the part by `data-part`. */
export function RowView({ row, index, marks, selected, open, focused, selecting, top }: RowProps) {
  const first = row.people.find((each) => !each.me) ?? row.people[0] ?? { name: "", email: "" };
  const look = ["row", row.unread && "unread", selected && "selected", open && "open", selecting && "selecting"];
  const reach = focused ? 0 : -1;
  return (
    <div
      class={look.filter(Boolean).join(" ")}
      role="row"
      data-key={row.key}
      aria-rowindex={index + 1}
      aria-selected={selected}
      aria-current={open ? "true" : undefined}
      aria-label={spoken(row)}
      tabIndex={reach}
      style={{ transform: `translateY(${top})` }}
      draggable
    >
      <div class="row-face" role="gridcell">
        <Face person={first} />
        <input
          type="checkbox"
          class="row-check"
          data-part="check"
          checked={selected}
          aria-label={t("row.select", { subject: row.subject || t("subject.none") })}
          tabIndex={reach}
        />
      </div>
      <div class="row-text" role="gridcell">
        <span class="row-people">
          <Senders row={row} />
          {row.count > 1 && <span class="row-count">{row.count}</span>}
        </span>
        <span class="row-subject">
          <Marked text={row.subject || t("subject.none")} words={marks} />
        </span>
        <span class="row-preview">
          <Labels row={row} />
          <Marked text={row.preview} words={marks} />
        </span>
        <Marks row={row} />
      </div>
      <div class="row-end" role="gridcell">
        <span class="row-quick" aria-hidden="true">
          <button type="button" class="row-star" data-part="archive" title={t("act.archive")} tabIndex={-1}>
            <Icon name="archive" />
          </button>
          <button type="button" class="row-star" data-part="trash" title={t("act.trash")} tabIndex={-1}>
            <Icon name="trash" />
          </button>
        </span>
        <button
          type="button"
          class={row.starred ? "row-star on" : "row-star"}
          data-part="star"
          aria-pressed={row.starred}
          aria-label={t("row.star")}
          tabIndex={reach}
        >
          <Icon name="star" filled={row.starred} />
        </button>
      </div>
    </div>
  );
}

function Marks({ row }: { row: Row }) {
  return (
    <span class="row-marks">
      {row.pending && <Mark icon="outbox" text={t("row.pending")} />}
      {(row.answered || row.forwarded) && <Icon name={row.answered ? "reply" : "forward"} />}
      {row.attachments && <Mark icon="attachment" text={t("row.attachments")} />}
      {row.snoozedUntil !== null && (
        <Mark icon="clock" text={t("read.snoozed", { time: shortDate(row.snoozedUntil) })} />
      )}
      <time class="row-date" dateTime={new Date(row.date).toISOString()} title={fullDate(row.date)}>
        {listDate(row.date)}
      </time>
    </span>
  );
}

/** A sign with its meaning for whoever points at it; the row's name says it aloud. */
function Mark({ icon, text }: { icon: IconName; text: string }) {
  return (
    <span class="row-mark" title={text}>
      <Icon name={icon} />
    </span>
  );
}

function Senders({ row }: { row: Row }) {
  const several = row.people.length > 1;
  return (
    <span class="row-names">
      {row.people.slice(-4).map((each, place) => (
        <span key={each.email || place} class={each.unread ? "new" : ""}>
          {place > 0 && ", "}
          {each.me ? t("person.me") : several ? shortName(each) : personName(each)}
        </span>
      ))}
      {row.people.length === 0 && t("person.unknown")}
      {row.draft && (
        <em>
          {row.people.length ? ", " : ""}
          {t("row.draft")}
        </em>
      )}
    </span>
  );
}

function Labels({ row }: { row: Row }) {
  return (
    <>
      {row.labels.slice(0, 3).map((id) => {
        const mailbox = mail.mailboxes.byId(id);
        return (
          mailbox && (
            <span key={id} class="chip">
              <span>{mailboxName(mailbox)}</span>
            </span>
          )
        );
      })}
    </>
  );
}

/** The row as a sentence for whoever listens. */
function spoken(row: Row): string {
  const names = row.people.map((each) => (each.me ? t("person.me") : personName(each))).join(", ");
  return [
    row.unread && t("row.unread"),
    names || t("person.unknown"),
    row.subject || t("subject.none"),
    row.count > 1 && t("row.messages", { n: row.count }),
    listDate(row.date),
    row.starred && t("row.starred"),
    row.attachments && t("row.attachments"),
    row.draft && t("row.draft"),
    row.pending && t("row.pending"),
    row.preview,
  ]
    .filter(Boolean)
    .join(", ");
}

/** What stands where a row is still fetched. */
export function Placeholder({ index, top }: { index: number; top: string }) {
  return (
    <div
      class="row placeholder"
      role="row"
      aria-rowindex={index + 1}
      aria-label={t("list.fetching")}
      style={{ transform: `translateY(${top})` }}
    >
      <div class="row-face" role="gridcell">
        <span class="bone face" />
      </div>
      <div class="row-text" role="gridcell">
        <span class={`bone wide-${index % 3}`} />
        <span class={`bone wide-${(index + 1) % 3}`} />
      </div>
    </div>
  );
}
