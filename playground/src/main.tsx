/** Starts the page. */

import "./app/base.css"
import "./app/layout.css"
import "./app/chat.css"
import "./app/composer.css"
import "./app/markdown.css"
import "./app/settings.css"
import { render } from "preact"
import { App } from "./app/app"
import { startTheme } from "./settings/theme"

startTheme(localStorage)
render(<App />, document.getElementById("app") as HTMLElement)
