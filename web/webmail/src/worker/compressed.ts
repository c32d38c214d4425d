/** Each built text beside itself, compressed: any static host that looks for `.br` and `.gz` sends these. */

import { readFile, writeFile } from "node:fs/promises";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const TEXTS = /\.(js|css|html|svg)$/;
const SMALL_BYTES = 1_000; // what fits into a packet anyway

export function compressed(): Plugin {
  return {
    name: "holdfast-compressed",
    apply: "build",
    async writeBundle({ dir }, bundle) {
      for (const name of Object.keys(bundle).filter((each) => TEXTS.test(each))) {
        const text = await readFile(`${dir}/${name}`);
        if (text.length < SMALL_BYTES) continue;
        await writeFile(`${dir}/${name}.gz`, gzipSync(text, { level: 9 }));
        const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: text.length };
        await writeFile(`${dir}/${name}.br`, brotliCompressSync(text, { params }));
      }
    },
  };
}
