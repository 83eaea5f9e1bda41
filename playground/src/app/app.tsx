/** The page. */

import { useEffect, useMemo } from "preact/hooks"
import type { Storages } from "../browser/storage"
import { Composer } from "../chat/composer"
import { PaneView } from "../chat/pane_view"
import { SettingsPanel } from "../settings/panel"
import { Announcer } from "./announcer"
import { Header } from "./header"
import { obeyKeys } from "./keys"
import { Notices } from "./notices"
import { State } from "./state"

export function App({ storages }: { storages: Storages }) {
  const state = useMemo(() => new State(storages), [storages])
  useEffect(() => state.start(), [state])
  useEffect(() => obeyKeys(state), [state])
  const { conversation, settings, settingsShown } = state
  return (
    <div class="page">
      <a class="skip" href="#composer">
        Skip to the message
      </a>
      <Header state={state} />
      <Notices state={state} />
      <div class="body">
        {settingsShown.value && (
          <SettingsPanel
            store={settings}
            close={() => {
              settingsShown.value = false
            }}
            forget={() => state.forget()}
          />
        )}
        <main class={conversation.comparing.value ? "comparing" : "alone"}>
          <Panes state={state} />
          <Composer
            text={state.draft.text}
            busy={conversation.busy.value}
            hindrance={state.hindrance.value}
            send={(text, images) => conversation.say(text, images)}
            stop={() => conversation.stop()}
          >
            {state.inForce.value && (
              <button
                type="button"
                class="in-force"
                title="Settings"
                onClick={() => {
                  settingsShown.value = true
                }}
              >
                <span class="unseen">In force: </span>
                {state.inForce.value}
              </button>
            )}
          </Composer>
        </main>
      </div>
      <Announcer state={state} />
    </div>
  )
}

function Panes({ state }: { state: State }) {
  const { conversation } = state
  return (
    <div class={`panes ${conversation.comparing.value ? "two" : "one"}`}>
      {conversation.panes.value.map((pane) => (
        <PaneView
          key={pane.name}
          pane={pane}
          conversation={conversation}
          hindrance={state.hindrance.value}
          programs={state.programs.value}
          choose={(chosen, program) => state.choose(chosen, program)}
          timeline={state.timelineShown.value}
        />
      ))}
    </div>
  )
}
