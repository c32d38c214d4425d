/** A list to choose from by typing: arrows move, Enter takes, what is typed filters (WAI-ARIA combobox). */

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { t } from "../../texts";
import { Icon, type IconName } from "../pieces/icon";

export interface Choice {
  id: string;
  text: string;
  icon: IconName;
  depth?: number;
  /** What it is found by beside its text. */
  path?: string;
  checked?: boolean;
}

interface Props {
  label: string;
  choices: Choice[];
  onTake: (id: string) => void;
  /** Offered for what was typed when nothing is called that. */
  onMake?: (name: string) => void;
  /** Several can be ticked. */
  several?: boolean;
}

const MAKE = "make";

export function Chooser({ label, choices, onTake, onMake, several = false }: Props) {
  const [typed, setTyped] = useState("");
  const [place, setPlace] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const id = useId();
  const words = typed.trim().toLocaleLowerCase();
  const found = choices.filter((each) => `${each.path ?? ""} ${each.text}`.toLocaleLowerCase().includes(words));
  const makes = onMake && words && !choices.some((each) => each.text.toLocaleLowerCase() === words);
  const offered: Choice[] = makes
    ? [...found, { id: MAKE, text: t("choose.make", { name: typed.trim() }), icon: "plus" }]
    : found;
  const active = Math.min(place, offered.length - 1);

  useEffect(() => {
    list.current?.querySelector("[data-active]")?.scrollIntoView({ block: "nearest" });
  }, [active]);

  const take = (choice: Choice | undefined) => {
    if (!choice) return;
    if (choice.id === MAKE) onMake?.(typed.trim());
    else onTake(choice.id);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") setPlace(Math.min(active + 1, offered.length - 1));
    else if (event.key === "ArrowUp") setPlace(Math.max(active - 1, 0));
    else if (event.key === "Enter") take(offered[active]);
    else return;
    event.preventDefault();
  };
  return (
    <div class="chooser">
      <input
        class="input"
        data-first
        role="combobox"
        aria-label={label}
        aria-expanded="true"
        aria-controls={id}
        aria-activedescendant={offered[active] ? `${id}-${active}` : undefined}
        autocomplete="off"
        placeholder={t("choose.filter")}
        value={typed}
        onInput={(event) => (setTyped(event.currentTarget.value), setPlace(0))}
        onKeyDown={onKey}
      />
      <ul
        ref={list}
        id={id}
        class="chooser-list"
        role="listbox"
        aria-label={label}
        aria-multiselectable={several || undefined}
      >
        {offered.map((each, index) => (
          <Option
            key={each.id}
            id={`${id}-${index}`}
            choice={words ? { ...each, depth: 0 } : each}
            active={index === active}
            several={several}
            showPath={words !== ""}
            onPoint={() => setPlace(index)}
            onTake={() => take(each)}
          />
        ))}
      </ul>
      {offered.length === 0 && <p class="chooser-none">{t("choose.none")}</p>}
    </div>
  );
}

interface OptionProps {
  id: string;
  choice: Choice;
  active: boolean;
  several: boolean;
  showPath: boolean;
  onPoint: () => void;
  onTake: () => void;
}

function Option({ id, choice, active, several, showPath, onPoint, onTake }: OptionProps) {
  const ticks = several && choice.id !== MAKE;
  return (
    <li
      id={id}
      class={`menu-item depth-${Math.min(choice.depth ?? 0, 4)}`}
      role="option"
      aria-selected={several ? choice.checked === true : active}
      data-active={active || undefined}
      onPointerMove={onPoint}
      onClick={onTake}
    >
      {ticks && <span class={choice.checked ? "tick on" : "tick"}>{choice.checked && <Icon name="check" />}</span>}
      {!ticks && <Icon name={choice.icon} />}
      <span class="menu-text">
        {choice.text}
        {showPath && choice.path && <small> {choice.path}</small>}
      </span>
    </li>
  );
}
