/** The keyboard: which set of single keys, and own ones. */

import { useState } from "preact/hooks";
import { t } from "../texts";
import { COMMAND_NAMES, COMMANDS, type CommandName, type Group, keysOf, type KeyMap } from "../ui/keys/commands";
import { Dialog } from "../ui/pieces/dialog";
import { setting } from "../ui/setting";
import { Choice, keep } from "./controls";

export function KeysPage() {
  const map = setting("keys");
  return (
    <>
      <Choice
        title={t("settings.keyMap")}
        hint={t("settings.keyMapHint")}
        value={map}
        options={[
          { value: "gmail" as const, text: t("settings.keysGmail") },
          { value: "fastmail", text: t("settings.keysFastmail") },
          { value: "off", text: t("settings.keysOff"), hint: t("settings.keysOffHint") },
        ]}
        onChoose={(keys) => keep({ keys })}
      />
      {map !== "off" && <Table map={map} />}
    </>
  );
}

function Table({ map }: { map: KeyMap }) {
  const own = setting("ownKeys");
  const [changed, setChanged] = useState<CommandName | null>(null);
  const groups = [...new Set(COMMAND_NAMES.map((each) => COMMANDS[each].group))];
  return (
    <>
      {groups.map((group: Group) => (
        <table key={group} class="key-table">
          <caption>{t(`keys.group.${group}`)}</caption>
          <tbody>
            {COMMAND_NAMES.filter((each) => COMMANDS[each].group === group).map((name) => (
              <tr key={name}>
                <th scope="row">{t(COMMANDS[name].text)}</th>
                <td>
                  {keysOf(name, map, own).map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                  {own[name] === "" && <span class="soft">{t("settings.keyNone")}</span>}
                </td>
                <td>
                  <button type="button" class="button quiet" aria-label={t("settings.keyChangeOf", { name: t(COMMANDS[name].text) })} onClick={() => setChanged(name)}>
                    {t("settings.keyChange")}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ))}
      {Object.keys(own).length > 0 && (
        <button type="button" class="button" onClick={() => void keep({ ownKeys: {} })}>
          {t("settings.keysReset")}
        </button>
      )}
      {changed && <Change name={changed} map={map} own={own} onClose={() => setChanged(null)} />}
    </>
  );
}

interface ChangeProps {
  name: CommandName;
  map: KeyMap;
  own: Record<string, string>;
  onClose: () => void;
}

const NOT_ALONE = new Set(["Shift", "Control", "Alt", "Meta", "Tab", "Escape", "Dead", "Process"]);

function Change({ name, map, own, onClose }: ChangeProps) {
  const [key, setKey] = useState("");
  const taken = key && COMMAND_NAMES.find((each) => each !== name && keysOf(each, map, own).includes(key));
  const set = (value: string | undefined) => {
    const { [name]: _, ...others } = own;
    void keep({ ownKeys: value === undefined ? others : { ...others, [name]: value } });
    onClose();
  };
  return (
    <Dialog
      title={t("settings.keyTitle", { name: t(COMMANDS[name].text) })}
      onClose={onClose}
      onSubmit={() => (key && !taken ? set(key) : undefined)}
      foot={
        <>
          {own[name] !== undefined && (
            <button type="button" class="button" onClick={() => set(undefined)}>
              {t("settings.keyUsual")}
            </button>
          )}
          <button type="button" class="button" onClick={() => set("")}>
            {t("settings.keyTakeAway")}
          </button>
          <button type="submit" class="button primary" disabled={!key || Boolean(taken)}>
            {t("settings.save")}
          </button>
        </>
      }
    >
      <div class="field">
        <label for="own-key">{t("settings.keyPress")}</label>
        <input
          id="own-key"
          class="input key-input"
          data-first
          value={key}
          readOnly
          aria-describedby={taken ? "own-key-taken" : undefined}
          aria-invalid={Boolean(taken)}
          onKeyDown={(event) => {
            if (NOT_ALONE.has(event.key) || event.ctrlKey || event.altKey || event.metaKey || (event.key === "Enter" && key)) return;
            event.preventDefault();
            setKey(event.key);
          }}
        />
        {taken && (
          <p id="own-key-taken" class="error" role="alert">
            {t("settings.keyTaken", { name: t(COMMANDS[taken].text) })}
          </p>
        )}
      </div>
    </Dialog>
  );
}
