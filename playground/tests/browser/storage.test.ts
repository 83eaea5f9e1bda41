import { expect, test } from "vitest"
import { SafeStorage } from "../../src/browser/storage"
import { Memory } from "../conversation/kept"

test("what is kept is there again, until it is removed", () => {
  const memory = new Memory()
  const storage = new SafeStorage(() => memory)
  expect(storage.getItem("a")).toBeNull()
  storage.setItem("a", "1")
  expect([storage.getItem("a"), memory.getItem("a")]).toEqual(["1", "1"])
  storage.removeItem("a")
  expect(storage.getItem("a")).toBeNull()
})

test("a storage that is full, or may not even be asked for, throws nothing at the page", () => {
  const full = new Memory()
  full.room = 0
  const forbidden = () => {
    throw new DOMException("The operation is insecure.", "SecurityError")
  }
  for (const find of [() => full, forbidden]) {
    const storage = new SafeStorage(find)
    storage.setItem("a", "1")
    expect(storage.getItem("a")).toBeNull()
    storage.removeItem("a")
  }
})
