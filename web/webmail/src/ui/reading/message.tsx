/** One message of a conversation: a line while folded, all of it unfolded. */

import { useMemo, useState } from "preact/hooks";
import { MessageFrame } from "../../frame";
import { mail, type Message } from "../../data";
import { t } from "../../texts";
import { fullDate, listDate, shortDate } from "../../texts/dates";
import { act, turnStar } from "../acts";
import { dark } from "../layout";
import { destroyAsked } from "../list/destroy";
import { moving } from "../list/row_menu";
import { people, personName } from "../names";
import { Face } from "../pieces/face";
import { Icon } from "../pieces/icon";
import { Menu, type MenuEntry } from "../pieces/menu";
import { Tool } from "../pieces/tool";
import { whatFailed, whatNow } from "../problem";
import { compose, go } from "../router";
import { setting } from "../setting";
import { Trouble } from "../trouble";
import { Attachments } from "./attachments";
import { Details } from "./details";
import { useInlineImages } from "./inline";
import { saveSource, showSource } from "./source";
import { mailtoFields } from "./mailto";
import { printMessages } from "./print";
import { Unsubscribe } from "./unsubscribe";

interface Props {
  message: Message;
  open: boolean;
  /** The only one: it can't be folded. */
  alone: boolean;
  firstNew: boolean;
  onToggle: () => void;
  onNeed: () => void;
}

export function MessageView(props: Props) {
  const { message, open, alone, firstNew, onToggle } = props;
  const [details, setDetails] = useState(false);
  const from = message.from[0] ?? { name: "", email: "" };
  const look = [
    "message",
    open && "open",
    message.unread && "unread",
    firstNew && "first-new",
    message.draft && "draft",
  ];
  return (
    <section
      class={look.filter(Boolean).join(" ")}
      aria-label={t("read.messageOf", { name: personName(from), date: shortDate(message.received) })}
    >
      <div class="message-head">
        <Face person={from} />
        <div class="message-who">
          <p class="message-from">
            {alone ? (
              <strong>{personName(from)}</strong>
            ) : (
              <button type="button" class="message-fold" aria-expanded={open} onClick={onToggle}>
                <strong>{personName(from)}</strong>
              </button>
            )}
            {open && from.name && <span class="message-address">{from.email}</span>}
            {message.draft && <em class="draft-mark">{t("row.draft")}</em>}
          </p>
          {open ? (
            <p class="message-to">
              <span>{t("read.to", { names: people([...message.to, ...message.cc]) || t("read.nobody") })}</span>
              <button type="button" class="link" aria-expanded={details} onClick={() => setDetails(!details)}>
                {t(details ? "read.lessDetails" : "read.details")}
              </button>
            </p>
          ) : (
            <p class="message-preview">{message.preview}</p>
          )}
        </div>
        <div class="message-marks">
          {!open && message.attachments.some((each) => !each.inline) && <Icon name="attachment" />}
          {message.pending && <Icon name="outbox" />}
          <time dateTime={new Date(message.received).toISOString()} title={fullDate(message.received)}>
            {open ? shortDate(message.received) : listDate(message.received)}
          </time>
          <Tool
            icon="star"
            text={t("row.star")}
            on={message.starred}
            run={() => turnStar(message.starred, { emails: [message.id], keys: [] })}
          />
          {open && <Tool icon="reply" text={t("reply")} run={() => compose("reply", message.id)} />}
          {open && <Menu label={t("read.messageMenu")} items={() => menu(message)} />}
        </div>
      </div>
      {open && details && <Details message={message} />}
      {open && <Content {...props} />}
    </section>
  );
}

function Content({ message, onNeed }: Props) {
  const { body } = message;
  if (message.draft)
    return (
      <div class="notice">
        <Icon name="write" />
        <p>{t("read.isDraft")}</p>
        <button type="button" class="button" onClick={() => compose("draft", message.id)}>
          {t("read.writeOn")}
        </button>
      </div>
    );
  return (
    <>
      {message.suspicious && (
        <div class="notice bad" role="note">
          <Icon name="warning" />
          <p>
            <strong>{t("read.suspicious")}</strong> {t("read.suspiciousText")}
          </p>
        </div>
      )}
      {message.snoozedUntil !== null && (
        <div class="notice">
          <Icon name="clock" />
          <p>{t("read.snoozed", { time: shortDate(message.snoozedUntil) })}</p>
          <button
            type="button"
            class="button quiet"
            onClick={() => act("unsnooze", { of: { emails: [message.id], keys: [] } })}
          >
            {t("act.unsnooze")}
          </button>
        </div>
      )}
      <Unsubscribe message={message} />
      {body.state === "waiting" && (
        <div class="body-waiting" aria-busy="true" aria-label={t("read.fetching")}>
          {[0, 1, 2].map((each) => (
            <span key={each} class={`bone wide-${each}`} />
          ))}
        </div>
      )}
      {body.state === "missing" && (
        <>
          <p class="body-preview">{message.preview}…</p>
          <Trouble
            title={whatFailed(body.problem)}
            text={`${t("read.missing")} ${whatNow(body.problem)}`}
            onAgain={onNeed}
          />
        </>
      )}
      {body.state === "here" && <Body message={message} html={body.html} text={body.text} cut={body.cut} />}
      <Attachments message={message} />
    </>
  );
}

function Body({ message, html, text, cut }: { message: Message; html: string | null; text: string; cut: boolean }) {
  const sender = message.from[0]?.email.toLowerCase() ?? "";
  const [once, setOnce] = useState(false);
  const [blocked, setBlocked] = useState(0);
  const inline = useInlineImages(message, html);
  const images = once || always(sender, message.suspicious);
  const inverted = dark.value && (html === null || setting("own").darkBodies === true);
  const title = useMemo(
    () => t("read.bodyOf", { name: personName(message.from[0] ?? { name: "", email: "" }) }),
    [message.from],
  );
  return (
    <>
      {blocked > 0 && !images && (
        <div class="notice" role="note">
          <Icon name="image" />
          <p>{t("images.blocked", { n: blocked })}</p>
          <div class="notice-ways">
            <button type="button" class="button quiet" onClick={() => setOnce(true)}>
              {t("images.once")}
            </button>
            {sender && !message.suspicious && (
              <button type="button" class="button quiet" onClick={() => alwaysFrom(sender)}>
                {t("images.always", { address: sender })}
              </button>
            )}
          </div>
        </div>
      )}
      <div class={inverted ? "message-body inverted" : "message-body"}>
        <MessageFrame
          {...(html === null ? { text } : { html })}
          inline={inline}
          remoteImages={images}
          inverted={inverted}
          title={title}
          onShown={(count) => setBlocked(count)}
          onMailto={(url) => go({ view: "compose", kind: "new", fields: mailtoFields(url) })}
        />
      </div>
      {cut && (
        <div class="notice">
          <Icon name="info" />
          <p>{t("read.cut")}</p>
          <button type="button" class="button" onClick={() => void saveSource(message)}>
            {t("read.saveSource")}
          </button>
        </div>
      )}
    </>
  );
}

/** Whether images from elsewhere are shown without asking. */
function always(sender: string, suspicious: boolean): boolean {
  if (suspicious) return false;
  const wish = setting("images");
  if (wish === "always" || setting("imagesFrom").includes(sender)) return true;
  return wish === "contacts" && mail.contacts.byAddress(sender) !== null;
}

function alwaysFrom(sender: string): void {
  void mail.settings.set({ imagesFrom: [...mail.settings.now.peek().imagesFrom, sender] });
}

function menu(message: Message): MenuEntry[] {
  const of = { emails: [message.id], keys: [] };
  const others = moving(of).filter((each) => each !== "-");
  return [
    { text: t("reply"), icon: "reply", run: () => compose("reply", message.id) },
    { text: t("replyAll"), icon: "replyAll", run: () => compose("replyAll", message.id) },
    { text: t("forward"), icon: "forward", run: () => compose("forward", message.id) },
    { text: t("read.forwardAsAttachment"), icon: "attachment", run: () => compose("asAttachment", message.id) },
    "-",
    ...others,
    { text: t("act.unread"), icon: "unread", run: () => act("unread", { of }) },
    "-",
    ...(dark.value && message.body.state === "here" && message.body.html !== null ? [darkening()] : []),
    { text: t("read.print"), icon: "print", run: () => void printMessages([message]) },
    { text: t("read.source"), icon: "source", run: () => showSource(message) },
    { text: t("read.saveSource"), icon: "download", run: () => void saveSource(message) },
    "-",
    { text: t("act.destroy"), icon: "trash", danger: true, run: () => destroyAsked(of) },
  ];
}

/** Formatted mail stays as it was written unless somebody wants it dark too. */
function darkening(): MenuEntry {
  const { own } = mail.settings.now.peek();
  const chosen = own.darkBodies === true;
  return {
    text: t("read.dark"),
    checked: chosen,
    run: () => void mail.settings.set({ own: { ...own, darkBodies: !chosen } }),
  };
}
