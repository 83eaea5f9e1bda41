/** Starts the page. */

import "./app/base.css"
import "./app/layout.css"
import "./app/chat.css"
import "./app/composer.css"
import "./app/markdown.css"
import "./app/settings.css"
import { render } from "preact"
import { App } from "./app/app"
import { storagesOf } from "./browser/storage"
import { startTheme } from "./settings/theme"

const storages = storagesOf(window)
startTheme(storages.lasting)
render(<App storages={storages} />, document.getElementById("app") as HTMLElement)
