/** Builds frame.html and frame-images.html: `framePages()` for Vite, `buildFrame()` for tests. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Plugin, build } from "vite";
import { type FrameParts, framePage } from "./page";

const FRAME = fileURLToPath(new URL("..", import.meta.url));
const PAGES: Record<string, boolean> = { "frame.html": false, "frame-images.html": true };

/** The pages by name. `cleaner` takes the place of inside/clean.ts: tests prove what holds without it. */
export async function buildFrame(cleaner?: string): Promise<Record<string, string>> {
  const parts: FrameParts = {
    outerScript: await script(`${FRAME}outside/main.ts`),
    innerScript: await script(`${FRAME}inside/main.ts`, cleaner),
    innerStyle: (await readFile(`${FRAME}inside/message.css`, "utf8")).replace(/\/\*.*?\*\/|\s*\n\s*/gs, ""),
  };
  return Object.fromEntries(Object.entries(PAGES).map(([name, images]) => [name, framePage(parts, images)]));
}

/** One file as one classic script. */
async function script(entry: string, cleaner?: string): Promise<string> {
  const made = await build({
    configFile: false,
    logLevel: "error",
    publicDir: false,
    resolve: cleaner ? { alias: [{ find: /^\.\/clean(\.ts)?$/, replacement: cleaner }] } : {},
    build: {
      write: false,
      target: "es2022",
      modulePreload: false,
      lib: { entry, formats: ["iife"], name: "frame", fileName: "frame" },
    },
  });
  const output = (Array.isArray(made) ? made : [made]).flatMap((each) => ("output" in each ? each.output : []));
  const [chunk] = output;
  if (output.length !== 1 || chunk?.type !== "chunk") throw new Error(`${entry} must become one script`);
  // In strings and regular expressions only, where \x3C is the same character and ends no element.
  return chunk.code.trim().replace(/<(?=!--|\/?script)/gi, "\\x3C");
}

export function framePages(): Plugin {
  return {
    name: "holdfast-frame",
    async generateBundle() {
      for (const [fileName, source] of Object.entries(await buildFrame())) {
        this.emitFile({ type: "asset", fileName, source });
      }
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const name = new URL(request.url ?? "/", "http://localhost").pathname.slice(1);
        if (!(name in PAGES)) return next();
        buildFrame().then(
          (pages) => response.setHeader("Content-Type", "text/html; charset=utf-8").end(pages[name]),
          (error: unknown) => next(error),
        );
      });
    },
  };
}
