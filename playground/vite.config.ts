import { viteSingleFile } from "vite-plugin-singlefile"
import { defineConfig } from "vitest/config"

// One file, which the server sends at its own address: there is nothing beside it that could be missing, stale, or
// asked for without a key. Its policy names the script and the style by their hashes.
export default defineConfig({
  base: "./",
  plugins: [viteSingleFile({ removeViteModuleLoader: true })],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { outDir: "../src/mserve/web/built", emptyOutDir: true, target: "es2022", reportCompressedSize: false },
  test: { environment: "happy-dom", include: ["tests/**/*.test.{ts,tsx}"] },
})
