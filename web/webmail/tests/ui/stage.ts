/** The interface over the sample mail, drawn into a page without layout. */

import { h, render } from "preact";
import { act as settle } from "preact/test-utils";
import { provide } from "../../src/data";
import { sample, type Sample, type SampleOptions } from "../../src/data/sample";
import { speak } from "../../src/texts";
import { App } from "../../src/ui/app";
import { go, type Route } from "../../src/ui/router";

export async function stage(options: SampleOptions = {}): Promise<Sample> {
  const mail = sample({ conversations: 30, ...options });
  provide(mail);
  await speak("en");
  go({ view: "mail", mailbox: "inbox" }, true);
  await settled(() => render(h(App, null), document.body));
  return mail;
}

export async function leave(): Promise<void> {
  await settled(() => render(null, document.body));
}

/** Does it and waits for what follows: promises, effects, drawing. */
export async function settled(run: () => unknown = () => undefined): Promise<void> {
  await settle(async () => {
    await run();
  });
  for (let turn = 0; turn < 4; turn++) {
    await settle(async () => {
      await new Promise((done) => setTimeout(done));
    });
  }
}

export function visit(to: Route): Promise<void> {
  return settled(() => go(to, true));
}

export function press(key: string, on: Element | null = document.activeElement): Promise<void> {
  return settled(() =>
    (on ?? document.body).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })),
  );
}

export function rows(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>(".row[data-key]")];
}

export function byLabel(label: string): HTMLElement {
  const found = [...document.querySelectorAll<HTMLElement>("button, a, input")].find(
    (each) => (each.getAttribute("aria-label") ?? each.textContent?.trim()) === label,
  );
  if (!found) throw new Error(`nothing is called ${label}`);
  return found;
}

export function texts(selector: string): string[] {
  return [...document.querySelectorAll(selector)].map((each) => each.textContent?.trim() ?? "");
}
