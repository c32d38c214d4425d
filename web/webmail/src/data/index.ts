/** The one `Webmail` of this page: `import { mail } from "../data"`. Tests and `main.tsx` provide it. */

import type { Webmail } from "./contract";

export type * from "./contract";
export { DEFAULT_SETTINGS } from "./contract";

export let mail: Webmail;

export function provide(webmail: Webmail): void {
  mail = webmail;
}
