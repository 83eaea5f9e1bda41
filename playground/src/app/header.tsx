/** The bar above all: whose page it is, and what can be shown and hidden. */

import type { ComponentChildren } from "preact"
import { Icon, type IconName } from "../chat/icon"
import { changeTheme, theme } from "../settings/theme"
import type { State } from "./state"

export function Header({ state }: { state: State }) {
  const { conversation, settingsShown, timelineShown } = state
  const comparing = conversation.comparing.value
  return (
    <header class="bar">
      <h1>
        <span class="mark" aria-hidden="true" />
        mserve
      </h1>
      <nav aria-label="Page">
        <Switch icon="fresh" label="New chat" act={() => conversation.clear()}>
          New chat
        </Switch>
        <Switch icon="columns" label="Compare two programs" on={comparing} act={() => state.compare(!comparing)}>
          Compare
        </Switch>
        <Switch
          icon="timeline"
          label="Timeline"
          on={timelineShown.value}
          act={() => state.showTimeline(!timelineShown.value)}
        >
          Timeline
        </Switch>
        <Switch
          icon="settings"
          label="Settings"
          on={settingsShown.value}
          act={() => {
            settingsShown.value = !settingsShown.value
          }}
        >
          Settings
        </Switch>
        <Switch icon={theme.value} label={`Colours: ${theme.value}`} act={() => changeTheme(state.storages.lasting)} />
      </nav>
    </header>
  )
}

interface SwitchProps {
  readonly icon: IconName
  readonly label: string
  /** Whether it is on, where it can be. */
  readonly on?: boolean
  act(): void
  /** What is written beside the picture, where there is room. */
  readonly children?: ComponentChildren
}

function Switch({ icon, label, on, act, children }: SwitchProps) {
  return (
    <button type="button" class="switch" aria-pressed={on} aria-label={label} title={label} onClick={act}>
      <Icon name={icon} />
      {children && <span class="words">{children}</span>}
    </button>
  )
}
