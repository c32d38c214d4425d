/** Leaving a mailing list as its List-Unsubscribe says, with what will happen said before. */

import { useState } from "preact/hooks";
import type { Message } from "../../data";
import { t } from "../../texts";
import { Dialog } from "../pieces/dialog";
import { Icon } from "../pieces/icon";
import { personName } from "../names";
import { go } from "../router";
import { mailtoFields } from "./mailto";

export function Unsubscribe({ message }: { message: Message }) {
  const [asked, setAsked] = useState(false);
  const way = message.unsubscribe;
  const url = way?.url && /^https?:\/\//i.test(way.url) ? way.url : null;
  if (!way || message.suspicious || (!url && !way.mailto)) return null;
  const name = personName(message.from[0] ?? { name: "", email: "" });
  const close = () => setAsked(false);
  return (
    <>
      <p class="unsubscribe">
        <button type="button" class="link" onClick={() => setAsked(true)}>
          {t("unsubscribe")}
        </button>
      </p>
      {asked && (
        <Dialog
          title={t("unsubscribe.title", { name })}
          onClose={close}
          foot={
            <>
              <button type="button" class="button" data-first onClick={close}>
                {t("cancel")}
              </button>
              {way.mailto ? (
                <button
                  type="button"
                  class="button primary"
                  onClick={() => (
                    close(),
                    go({ view: "compose", kind: "new", fields: mailtoFields(way.mailto ?? "") })
                  )}
                >
                  {t("unsubscribe.write")}
                </button>
              ) : (
                <a class="button primary" href={url ?? ""} target="_blank" rel="noopener noreferrer" onClick={close}>
                  <Icon name="external" />
                  {t("unsubscribe.open")}
                </a>
              )}
            </>
          }
        >
          <p>
            {way.mailto
              ? t("unsubscribe.mailText", { address: mailtoFields(way.mailto).to ?? "" })
              : t("unsubscribe.linkText", { host: new URL(url ?? "").host })}
          </p>
        </Dialog>
      )}
    </>
  );
}
