/** Puts text on the clipboard, also where the page came over plain HTTP from another machine. */

/** Whether it is there. Browsers give their clipboard's API to pages of this machine, or over HTTPS, only. */
export async function put(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return putBySelecting(text)
  }
}

function putBySelecting(text: string): boolean {
  const focused = document.activeElement
  const area = document.createElement("textarea")
  area.value = text
  area.readOnly = true
  area.className = "copy-source"
  document.body.append(area)
  area.select()
  try {
    return document.execCommand("copy")
  } catch {
    return false
  } finally {
    area.remove()
    if (focused instanceof HTMLElement) focused.focus()
  }
}
