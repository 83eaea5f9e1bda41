import { SafeStorage } from "../../src/browser/storage"

/** A memory as the page has it. */
export function safe(memory: Memory): SafeStorage {
  return new SafeStorage(() => memory)
}

/** What a browser keeps, in memory. */
export class Memory implements Storage {
  readonly #kept = new Map<string, string>()
  /** More than this does not fit. */
  room = Number.POSITIVE_INFINITY;
  [name: string]: unknown

  get length(): number {
    return this.#kept.size
  }

  clear(): void {
    this.#kept.clear()
  }

  getItem(name: string): string | null {
    return this.#kept.get(name) ?? null
  }

  key(place: number): string | null {
    return [...this.#kept.keys()][place] ?? null
  }

  removeItem(name: string): void {
    this.#kept.delete(name)
  }

  setItem(name: string, value: string): void {
    if (value.length > this.room) throw new Error("QuotaExceededError")
    this.#kept.set(name, value)
  }
}
