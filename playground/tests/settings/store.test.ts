import { expect, test } from "vitest"
import { EMPTY } from "../../src/settings/fields"
import { SettingsStore } from "../../src/settings/store"
import { Memory, safe } from "../conversation/kept"

test("settings are there again after a reload, until they are cleared", () => {
  const storage = new Memory()
  const store = new SettingsStore(safe(storage))
  store.set("seed", "7")
  expect(new SettingsStore(safe(storage)).now.value).toEqual({ ...EMPTY, seed: "7" })
  store.clear()
  expect(store.now.value).toEqual(EMPTY)
  expect(new SettingsStore(safe(storage)).now.value).toEqual(EMPTY)
})

test("what else lies there is no setting", () => {
  for (const kept of ["{", "[]", '{"seed":7,"more":"x"}']) {
    const storage = new Memory()
    storage.setItem("mserve.settings", kept)
    expect(new SettingsStore(safe(storage)).now.value).toEqual(EMPTY)
  }
})

test("a browser that keeps nothing is no hindrance", () => {
  const storage = new Memory()
  storage.room = 0
  const store = new SettingsStore(safe(storage))
  store.set("seed", "x")
  expect([store.now.value.seed, Object.keys(store.read.value.faults)]).toEqual(["x", ["seed"]])
})
