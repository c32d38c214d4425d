/** Vite's part of the service worker: compiles it into `sw.js` with the list of all files that were built. */

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "vite";

const SOURCE = fileURLToPath(new URL("sw.ts", import.meta.url));
const PUBLIC = fileURLToPath(new URL("../../public", import.meta.url));

export function serviceWorker(): Plugin {
  return {
    name: "holdfast-service-worker",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      async handler(_, bundle) {
        const whole = createHash("sha256");
        const names = Object.keys(bundle).filter((each) => !each.startsWith(".vite/")).sort();
        for (const name of names) {
          const made = bundle[name]!;
          whole.update(name).update(made.type === "chunk" ? made.code : made.source);
        }
        const kept = (await readdir(PUBLIC)).sort();
        for (const name of kept) whole.update(name).update(await readFile(`${PUBLIC}/${name}`));
        const code = await compiled();
        whole.update(code);
        const head = `const FILES = ${JSON.stringify([...names, ...kept])};\nconst VERSION = ${JSON.stringify(whole.digest("hex").slice(0, 16))};\n`;
        this.emitFile({ type: "asset", fileName: "sw.js", source: head + code });
      },
    },
  };
}

/** With all that it uses, as one classic script. */
async function compiled(): Promise<string> {
  const made = await build({
    configFile: false,
    logLevel: "error",
    publicDir: false,
    // Nothing is drawn here.
    resolve: { alias: [{ find: "@preact/signals", replacement: "@preact/signals-core" }] },
    build: { write: false, target: "es2022", modulePreload: false, lib: { entry: SOURCE, formats: ["iife"], name: "worker", fileName: "sw" } },
  });
  const output = (Array.isArray(made) ? made : [made]).flatMap((each) => ("output" in each ? each.output : []));
  const [chunk] = output;
  if (output.length !== 1 || chunk?.type !== "chunk") throw new Error("the service worker must become one script");
  return chunk.code;
}
