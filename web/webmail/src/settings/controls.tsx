/** What settings are made with: one choice of several, on or off, a number. Each keeps its change at once. */

import { useId } from "preact/hooks";
import { mail, type Settings } from "../data";
import { tell } from "../ui/problem";

export async function keep(patch: Partial<Settings>): Promise<void> {
  const outcome = await mail.settings.set(patch);
  if (!outcome.ok) tell(outcome.problem);
}

interface Common {
  title: string;
  hint?: string;
}

export interface ChoiceProps<Value extends string | number> extends Common {
  value: Value;
  options: { value: Value; text: string; hint?: string }[];
  onChoose: (value: Value) => void;
}

export function Choice<Value extends string | number>({ title, hint, value, options, onChoose }: ChoiceProps<Value>) {
  const id = useId();
  return (
    <fieldset class="setting" aria-describedby={hint ? `${id}-hint` : undefined}>
      <legend>{title}</legend>
      {hint && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
      {options.map((each) => (
        <label key={each.value} class="check">
          <input type="radio" name={id} checked={each.value === value} onChange={() => onChoose(each.value)} />
          <span>
            {each.text}
            {each.hint && <span class="hint">{each.hint}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

export interface SelectProps<Value extends string | number> extends Common {
  value: Value;
  options: { value: Value; text: string }[];
  onChoose: (value: Value) => void;
}

export function Select<Value extends string | number>({ title, hint, value, options, onChoose }: SelectProps<Value>) {
  const id = useId();
  return (
    <div class="setting field">
      <label for={id}>{title}</label>
      {hint && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
      <select
        id={id}
        class="input"
        aria-describedby={hint ? `${id}-hint` : undefined}
        value={String(value)}
        onChange={(event) => {
          const chosen = options.find((each) => String(each.value) === event.currentTarget.value);
          if (chosen) onChoose(chosen.value);
        }}
      >
        {options.map((each) => (
          <option key={each.value} value={String(each.value)}>
            {each.text}
          </option>
        ))}
      </select>
    </div>
  );
}

export function Switch({ title, hint, on, onSwitch }: Common & { on: boolean; onSwitch: (on: boolean) => void }) {
  return (
    <div class="setting">
      <label class="check">
        <input type="checkbox" checked={on} onChange={(event) => onSwitch(event.currentTarget.checked)} />
        <span>
          {title}
          {hint && <span class="hint">{hint}</span>}
        </span>
      </label>
    </div>
  );
}
