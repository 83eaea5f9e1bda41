/** Dark or light: as the system has it, until a person chooses. */

import { signal } from "@preact/signals"

export type Theme = "system" | "light" | "dark"

const PLACE = "mserve.theme"
const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" }

export const theme = signal<Theme>("system")

/** Takes what was chosen before. */
export function startTheme(storage: Storage): void {
  const kept = storage.getItem(PLACE)
  use(kept === "light" || kept === "dark" ? kept : "system")
}

/** The next of system, light and dark. */
export function changeTheme(storage: Storage): void {
  use(NEXT[theme.value])
  try {
    storage.setItem(PLACE, theme.value)
  } catch {
    // It holds until the page is closed.
  }
}

function use(chosen: Theme): void {
  theme.value = chosen
  if (chosen === "system") delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = chosen
}
