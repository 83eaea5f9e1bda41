/** What the browser keeps of this page: nothing where it may not or has no room, which is no hindrance to the page. */

/** A storage of the browser's, where any touch may throw: also the first, which asks for it. */
export class SafeStorage {
  readonly #find: () => Storage

  constructor(find: () => Storage) {
    this.#find = find
  }

  /** Null where nothing is kept. */
  getItem(name: string): string | null {
    return tried(() => this.#find().getItem(name)) ?? null
  }

  setItem(name: string, value: string): void {
    tried(() => this.#find().setItem(name, value))
  }

  removeItem(name: string): void {
    tried(() => this.#find().removeItem(name))
  }
}

export interface Storages {
  /** What all tabs have, until it is forgotten. */
  readonly lasting: SafeStorage
  /** What this tab has, until it is closed. */
  readonly tab: SafeStorage
}

export function storagesOf(browser: Window): Storages {
  return {
    lasting: new SafeStorage(() => browser.localStorage),
    tab: new SafeStorage(() => browser.sessionStorage),
  }
}

function tried<Result>(act: () => Result): Result | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}
