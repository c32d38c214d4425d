/** A message that is being written: what its window shows, kept every second or so. */

import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { type Draft, type DraftAttachment, type DraftState, mail, type Problem } from "../data";
import type { Begun } from "./begin";
import type { Format } from "./editor/protocol";

const PAUSE_MS = 1000;

type Change = Partial<Omit<Draft, "id" | "attachments">>;

export class Writing {
  readonly id: string;
  readonly draft: Signal<Draft>;
  readonly state: ReadonlySignal<DraftState | null>;
  readonly attachments: ReadonlySignal<DraftAttachment[]>;
  /** Something was typed that isn't written yet. */
  readonly typing = signal(false);
  /** What holds at the cursor of the rich editor. */
  readonly format: Signal<Format | null> = signal(null);
  readonly problem: Signal<Problem | null> = signal(null);
  readonly unquoted: boolean;
  private readonly fresh: boolean;
  /** Nothing was changed since it was opened. */
  untouched = true;
  private clock: ReturnType<typeof setTimeout> | undefined;

  constructor({ draft, unquoted, fresh }: Begun) {
    this.id = draft.id;
    this.draft = signal(draft);
    this.unquoted = unquoted;
    this.fresh = fresh;
    this.state = mail.drafts.watch(draft.id);
    this.attachments = computed(() => this.state.value?.draft.attachments ?? this.draft.value.attachments);
  }

  change(change: Change): void {
    this.draft.value = { ...this.draft.value, ...change };
    this.untouched = false;
    this.typing.value = true;
    clearTimeout(this.clock);
    this.clock = setTimeout(() => void this.keep(), PAUSE_MS);
  }

  /** Writes what was typed, now; false when it couldn't be written on this device. */
  async keep(): Promise<boolean> {
    clearTimeout(this.clock);
    if (!this.typing.peek()) return true;
    this.typing.value = false;
    const outcome = await mail.drafts.save(this.draft.peek());
    this.problem.value = outcome.ok ? null : outcome.problem;
    if (!outcome.ok) this.typing.value = true;
    return outcome.ok;
  }

  /** Nothing of it is the person's own. */
  isEmpty(): boolean {
    return this.fresh && this.untouched;
  }
}
