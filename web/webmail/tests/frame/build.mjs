/** node build.mjs <folder>: the frame's pages as they are shipped, and beside them those without a cleaner. */

import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const folder = process.argv[2];
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { module } = await runnerImport(here("../../src/frame/build/plugin.ts"), { configFile: false, logLevel: "error" });
for (const [kind, cleaner] of [["shipped", undefined], ["uncleaned", here("no_clean.ts")]]) {
  await mkdir(`${folder}/${kind}`, { recursive: true });
  for (const [name, page] of Object.entries(await module.buildFrame(cleaner))) await writeFile(`${folder}/${kind}/${name}`, page);
}
