import { defineConfig } from "vitest/config";
import { framePages } from "./src/frame/build/plugin.ts";
import { compressed } from "./src/worker/compressed.ts";
import { serviceWorker } from "./src/worker/plugin.ts";

export default defineConfig({
  base: "./",
  publicDir: "public",
  plugins: [framePages(), serviceWorker(), compressed()],
  build: {
    outDir: "../../src/holdfast/functions/webmail/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    manifest: true,
  },
  server: { host: "127.0.0.1" },
  test: {
    include: ["tests/**/*.test.{ts,tsx}"],
    environment: "node", // a file that draws begins with: // @vitest-environment happy-dom
    restoreMocks: true,
    testTimeout: 120_000, // on a machine that does much else besides
  },
});
