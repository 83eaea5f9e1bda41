import { defineConfig } from "@playwright/test"

// The browser of the system: nothing is downloaded. It can reach no other machine, whatever a page asks for.
export default defineConfig({
  testDir: "e2e",
  outputDir: "node_modules/.e2e",
  workers: 1, // times are measured, and two cores are shared with the server
  timeout: 60_000,
  expect: { timeout: 10_000 },
  forbidOnly: true,
  reporter: "list",
  use: {
    viewport: { width: 1280, height: 800 },
    permissions: ["clipboard-read", "clipboard-write"],
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
    },
  },
})
