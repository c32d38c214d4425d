/** Builds the pages of the frames: for messages, and for the editor. `framePages()` for Vite, `buildFrame()` for tests. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Plugin, build } from "vite";
import { type FrameParts, framePage } from "./page.ts";

const SRC = fileURLToPath(new URL("../..", import.meta.url));
const MESSAGE = { script: "frame/inside/main.ts", style: "frame/inside/message.css" };
const EDITOR = { script: "compose/editor/inside/main.ts", style: "compose/editor/inside/editor.css" };
const PAGES = {
  "frame.html": { ...MESSAGE, images: false },
  "frame-images.html": { ...MESSAGE, images: true },
  "editor.html": { ...EDITOR, images: false },
};

/** The pages by name. `cleaner` takes the place of inside/clean.ts: tests prove what holds without it. */
export async function buildFrame(cleaner?: string): Promise<Record<string, string>> {
  const outerScript = await script("frame/outside/main.ts");
  const made: Record<string, string> = {};
  for (const [name, page] of Object.entries(PAGES)) {
    const parts: FrameParts = { outerScript, innerScript: await script(page.script, cleaner), innerStyle: await style(page.style) };
    made[name] = framePage(parts, page.images);
  }
  return made;
}

async function style(file: string): Promise<string> {
  return (await readFile(SRC + file, "utf8")).replace(/\/\*.*?\*\/|\s*\n\s*/gs, "");
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
      lib: { entry: SRC + entry, formats: ["iife"], name: "frame", fileName: "frame" },
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
