/** Whether the page is dark now, by the settings or by the device. */

import { computed, signal } from "@preact/signals";
import { mail } from "../data";

const asked = typeof matchMedia === "function" ? matchMedia("(prefers-color-scheme: dark)") : null;
const device = signal(asked?.matches ?? false);
asked?.addEventListener("change", () => {
  device.value = asked.matches;
});

export const dark = computed(() => {
  const { theme } = mail.settings.now.value;
  return theme === "auto" ? device.value : theme === "dark";
});
