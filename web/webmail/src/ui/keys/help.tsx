/** The help for keys, made from the table that the keys themselves come from. */

import { signal } from "@preact/signals";
import { t } from "../../texts";
import { Dialog } from "../pieces/dialog";
import { go } from "../router";
import { setting } from "../setting";
import { COMMAND_NAMES, COMMANDS, keysOf, type Group } from "./commands";

const GROUPS: readonly Group[] = ["move", "act", "mark", "select", "go", "write"];

export const helpShown = signal(false);

export function KeysHelp() {
  if (!helpShown.value) return null;
  const chosen = setting("keys");
  const close = () => {
    helpShown.value = false;
  };
  return (
    <Dialog
      wide
      title={t("keys.title")}
      onClose={close}
      foot={
        <button type="button" class="button" onClick={() => (close(), go({ view: "settings", page: "keys" }))}>
          {t("keys.change")}
        </button>
      }
    >
      <p class="soft">{t(`keys.map.${chosen}`)}</p>
      <div class="keys">
        {GROUPS.map((group) => (
          <section key={group}>
            <h3>{t(`keys.group.${group}`)}</h3>
            <dl>
              {COMMAND_NAMES.filter((name) => COMMANDS[name].group === group).map((name) => (
                <div key={name}>
                  <dt>{t(COMMANDS[name].text)}</dt>
                  <dd>
                    {keysOf(name, chosen === "off" ? "gmail" : chosen, setting("ownKeys")).map((each) => (
                      <Keys key={each} spelled={each} />
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}

/** “g i” as two caps, “I” as Shift and I. */
function Keys({ spelled }: { spelled: string }) {
  return (
    <span class="key-combination">
      {spelled.split(" ").map((key, place) => (
        <kbd key={place}>{keyName(key)}</kbd>
      ))}
    </span>
  );
}

function keyName(key: string): string {
  if (key === "Enter") return t("keys.enter");
  if (key === "Delete") return t("keys.delete");
  return /^\p{Lu}$/u.test(key) ? `${t("keys.shift")}+${key}` : key;
}
