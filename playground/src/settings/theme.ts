/** Dark or light: as the system has it, until a person chooses. */

import { signal } from "@preact/signals"
import type { SafeStorage } from "../browser/storage"

export type Theme = "system" | "light" | "dark"

const PLACE = "mserve.theme"
const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" }

export const theme = signal<Theme>("system")

/** Takes what was chosen before. */
export function startTheme(storage: SafeStorage): void {
  const kept = storage.getItem(PLACE)
  use(kept === "light" || kept === "dark" ? kept : "system")
}

/** The next of system, light and dark. */
export function changeTheme(storage: SafeStorage): void {
  use(NEXT[theme.value])
  storage.setItem(PLACE, theme.value)
}

function use(chosen: Theme): void {
  theme.value = chosen
  if (chosen === "system") delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = chosen
}
