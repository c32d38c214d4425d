/** What is out of order, in plain words: which function, since when, what works, when the next word comes, and that
 * nothing written here is lost. Icon and words say it, not colour alone. */

import { useState } from "preact/hooks";
import { mail, type Connection, type Fault } from "../../data";
import { listed, t } from "../../texts";
import { clock, since } from "../../texts/dates";
import { narrow } from "../layout";
import { Icon } from "../pieces/icon";

export function Banner() {
  const now = mail.connection.now.value;
  const session = mail.session.signIn.value;
  return (
    <div class="banners" role="status" aria-live="polite">
      {now.state === "offline" && <Offline since={now.since} />}
      {now.state === "trouble" && <Trouble now={now} />}
      {session.state === "in" && session.renew && <Renew address={session.account.address} />}
    </div>
  );
}

function Offline({ since: began }: { since: number }) {
  return (
    <div class="banner">
      <Icon name="offline" />
      <div class="banner-text">
        <p>
          <strong>{t("banner.offline", { time: since(began) })}</strong>{" "}
          {mail.session.signIn.value.state === "in" && (
            <>
              {t("banner.offlineWorks")} <Waiting />
            </>
          )}
        </p>
      </div>
    </div>
  );
}

/** All of it on a wide page; on a telephone what is out of order, and the rest when it is asked for. */
function Trouble({ now }: { now: Extract<Connection, { state: "trouble" }> }) {
  const { busy, next } = mail.connection.trying.value;
  const session = mail.session.signIn.value;
  const own = now.faults.some((each) => each.source === "seen" || each.name === "webmail");
  const worst = now.faults.some((each) => each.level === "down");
  const link = now.feed.state === "read" ? now.feed.url : mail.session.links.value.status;
  const [unfolded, unfold] = useState(false);
  const brief = narrow.value && !unfolded;
  return (
    <div class={worst ? "banner bad" : "banner warn"}>
      <Icon name="warning" />
      <div class="banner-text">
        {now.faults.map((each) => (
          <FaultLine key={each.name} fault={each} began={each.since ?? now.since} brief={brief} />
        ))}
        {!brief && own && session.state === "in" && (
          <p>
            {t("banner.here")} <Waiting />
          </p>
        )}
        {!brief && (
          <p class="banner-small">
            {feedWords(now)}
            {link && (
              <a href={link} target="_blank" rel="noopener noreferrer">
                {t("account.status")}
              </a>
            )}
          </p>
        )}
        {narrow.value && (
          <button type="button" class="link" aria-expanded={unfolded} onClick={() => unfold(!unfolded)}>
            {t(unfolded ? "banner.less" : "banner.more")}
          </button>
        )}
      </div>
      {!brief && own && (
        <button type="button" class="button" disabled={busy} onClick={() => mail.connection.retry()}>
          {t(busy ? "banner.trying" : "banner.tryNow")}
          {!busy && next !== null && <span class="soft"> · {t("banner.next", { time: clock(next) })}</span>}
        </button>
      )}
    </div>
  );
}

function FaultLine({ fault, began, brief }: { fault: Fault; began: number; brief: boolean }) {
  const title = <strong>{t(`fault.${fault.name}.${fault.level}`, { time: since(began) })}</strong>;
  if (brief) return <p>{title}</p>;
  return (
    <p>
      {title} {fault.said && <span lang="">{t("banner.said", { text: fault.said })} </span>}
      {fault.works.length > 0 &&
        `${t("banner.works", { names: listed(fault.works.map((each) => t(`function.${each}`))) })} `}
      {fault.nextUpdate !== null && t("banner.nextUpdate", { time: since(fault.nextUpdate) })}
    </p>
  );
}

function Waiting() {
  const n = mail.outbox.waiting.value;
  return <>{n > 0 ? t("banner.waiting", { n }) : t("banner.willWait")}</>;
}

function feedWords(now: Extract<Connection, { state: "trouble" }>): string {
  if (now.feed.state === "read") return `${t("banner.asOf", { time: clock(now.feed.at) })} `;
  if (now.feed.state === "unreachable") return `${t("banner.noFeed")} `;
  return "";
}

function Renew({ address }: { address: string }) {
  return (
    <div class="banner warn">
      <Icon name="lock" />
      <div class="banner-text">
        <p>
          <strong>{t("renew.title")}</strong> {t("renew.text")}
        </p>
      </div>
      <button type="button" class="button" onClick={() => void mail.session.goSignIn(address)}>
        {t("renew.go")}
      </button>
    </div>
  );
}
