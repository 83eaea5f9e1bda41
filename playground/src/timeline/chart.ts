/** The canvas of the timeline: axes and selection are the chart library's, marks and lines in time our own. */

import uPlot from "uplot"
import "uplot/dist/uPlot.min.css"
import { listen, type Moves } from "./gestures"
import { KINDS } from "./kinds"
import { drawLabels, type Label } from "./labels"
import { type Area, drawMarks, middleOf, type Plot, radius, rowsOf } from "./marks"
import { duration } from "./numbers"
import type { Sight } from "./pacing"
import { nearest } from "./picking"
import type { View } from "./view"

/** What one picture is made of. */
export interface Picture {
  readonly sight: Sight
  readonly view: View
  readonly chosen: number | undefined
}

export interface Listeners extends Moves {
  /** A stretch of time was selected by dragging. */
  select(from: number, to: number): void
  choose(place: number | undefined): void
  reset(): void
}

/** How far beside a mark a click may be, in pixels of the page. */
const REACH = 14
const HEIGHT = 168
/** What is narrower has no room for a word: it is not even measured. */
const NARROWEST_LABEL = 24

/** Colours as the style sheets say them, read from the element: a canvas knows no custom properties. */
interface Paint {
  readonly ground: string
  readonly muted: string
  readonly line: string
  readonly accent: string
  readonly warn: string
  readonly good: string
  readonly kinds: readonly string[]
}

export class Chart {
  readonly #plot: uPlot
  readonly #resizing: ResizeObserver
  readonly #stop: () => void
  #picture: Picture | undefined
  #rows = 1
  #paint: Paint

  constructor(
    readonly element: HTMLElement,
    readonly listeners: Listeners,
  ) {
    this.#paint = paintOf(element)
    this.#plot = new uPlot(this.#options(), nothing, element)
    this.#plot.over.addEventListener("click", (event) => this.#clicked(event))
    this.#stop = listen(this.#plot.over, listeners)
    this.#resizing = new ResizeObserver(() => this.#resize())
    this.#resizing.observe(element)
  }

  draw(picture: Picture | undefined): void {
    this.#picture = picture
    this.#rows = picture ? rowsOf(picture.sight.recording, picture.view) : 1
    this.#paint = paintOf(this.element)
    this.#plot.batch(() => this.#plot.setData(nothing))
  }

  destroy(): void {
    this.#stop()
    this.#resizing.disconnect()
    this.#plot.destroy()
  }

  #options(): uPlot.Options {
    const range = (): uPlot.Range.MinMax => [this.#picture?.view.from ?? 0, this.#picture?.view.to ?? 1000]
    return {
      width: this.element.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      scales: { x: { time: false, range }, y: { range: () => [0, this.#rows] } },
      series: [{}, { paths: () => null, points: { show: false } }],
      axes: [this.#timeAxis(), this.#rowAxis()],
      padding: [8, 12, 0, 0],
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false, dist: 4 },
        bind: { mousedown: unlessShift, dblclick: () => () => this.#reset() },
      },
      hooks: {
        drawAxes: [() => this.#drawTimes()],
        draw: [() => this.#drawMarks()],
        setSelect: [() => this.#selected()],
      },
    }
  }

  #timeAxis(): uPlot.Axis {
    const values = (_: uPlot, splits: number[]) => splits.map((ms) => (ms === 0 ? "0" : tick(ms)))
    return { ...this.#axis(), values, size: 28, space: 64 }
  }

  #rowAxis(): uPlot.Axis {
    const values = (_: uPlot, splits: number[]) => splits.map((row) => (Number.isInteger(row) ? String(row) : ""))
    return { ...this.#axis(), values, size: 34, space: 28, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 1e4, 1e5] }
  }

  #axis(): uPlot.Axis {
    const line = { stroke: () => this.#paint.line, width: 1 }
    return {
      stroke: () => this.#paint.muted,
      font: "11px system-ui, sans-serif",
      grid: line,
      ticks: { ...line, size: 4 },
    }
  }

  get #area(): Area {
    return { ...this.#plot.bbox, ratio: uPlot.pxRatio }
  }

  #drawMarks(): void {
    if (!this.#picture) return
    const { sight, view, chosen } = this.#picture
    const plot = { view, rows: this.#rows }
    const { ctx } = this.#plot
    ctx.save()
    clip(ctx, this.#area)
    drawMarks(ctx, sight.recording, plot, this.#area, this.#paint.kinds)
    if (chosen !== undefined && chosen < sight.recording.length) this.#drawChosen(sight, plot, chosen)
    ctx.restore()
  }

  #drawChosen(sight: Sight, plot: Plot, chosen: number): void {
    const { ctx } = this.#plot
    const area = this.#area
    const [x, y] = middleOf(sight.recording, chosen, plot, area)
    ctx.strokeStyle = this.#paint.accent
    ctx.lineWidth = 2 * area.ratio
    ctx.beginPath()
    ctx.arc(x, y, radius(plot, area) + 3 * area.ratio, 0, 2 * Math.PI)
    ctx.stroke()
  }

  /** Lines and bands in time, behind the marks: the head, the first token, and the stalls. */
  #drawTimes(): void {
    if (!this.#picture) return
    const { figures } = this.#picture.sight
    const { ctx } = this.#plot
    ctx.save()
    clip(ctx, this.#area)
    const labels = [
      ...figures.stalls.flatMap(({ from, to }) => this.#band(from, to)),
      ...this.#line(figures.head, "head", this.#paint.muted, 1),
      ...this.#line(figures.firstToken, "first token", this.#paint.good, 0),
    ]
    drawLabels(ctx, labels, this.#area, { ground: this.#paint.ground, words: this.#paint.muted })
    ctx.restore()
  }

  #band(from: number, to: number): Label[] {
    const { ctx } = this.#plot
    const { top, height, ratio } = this.#area
    const left = this.#plot.valToPos(from, "x", true)
    const width = this.#plot.valToPos(to, "x", true) - left
    ctx.fillStyle = this.#paint.warn
    ctx.globalAlpha = 0.16
    ctx.fillRect(left, top, width, height)
    ctx.globalAlpha = 1
    ctx.fillRect(left, top, width, 3 * ratio)
    if (width <= NARROWEST_LABEL * ratio) return []
    return [{ text: duration(to - from), x: left + width / 2, row: 2, align: "center", room: width }]
  }

  #line(at: number | undefined, name: string, colour: string, row: Label["row"]): Label[] {
    if (at === undefined) return []
    const { ctx } = this.#plot
    const { left, width, top, height, ratio } = this.#area
    const x = this.#plot.valToPos(at, "x", true)
    ctx.fillStyle = colour
    ctx.fillRect(x, top, 1.5 * ratio, height)
    const onTheLeft = x > left + width / 2
    const text = `${name} ${duration(at)}`
    return [{ text, x: x + (onTheLeft ? -6 : 6) * ratio, row, align: onTheLeft ? "right" : "left" }]
  }

  #clicked(event: MouseEvent): void {
    this.element.closest<HTMLElement>("[tabindex]")?.focus()
    if (!this.#picture || event.shiftKey) return
    const { ratio, ...area } = this.#area
    const { left, top } = this.#plot.over.getBoundingClientRect()
    const point = [(event.clientX - left) * ratio + area.left, (event.clientY - top) * ratio + area.top] as const
    const plot = { view: this.#picture.view, rows: this.#rows }
    const place = nearest(this.#picture.sight.recording, plot, { ...area, ratio }, point, REACH * ratio)
    if (place !== undefined) this.listeners.choose(place)
  }

  #selected(): void {
    const { left, width } = this.#plot.select
    if (width === 0) return
    const [from, to] = [this.#plot.posToVal(left, "x"), this.#plot.posToVal(left + width, "x")]
    this.#plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
    this.listeners.select(from, to)
  }

  #reset(): null {
    this.listeners.reset()
    return null
  }

  #resize(): void {
    const width = this.element.clientWidth
    if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT })
  }
}

/** The library draws one line at least: this one is never seen. */
const nothing: uPlot.AlignedData = [
  [0, 1],
  [0, 0],
]

const unlessShift: uPlot.Cursor.MouseListenerFactory = (_plot, _element, handler) => (event) => {
  if (!event.shiftKey) handler(event)
  return null
}

function tick(ms: number): string {
  return ms >= 1000 || ms <= -1000 ? `${Number((ms / 1000).toFixed(3))} s` : `${Number(ms.toFixed(3))} ms`
}

function clip(context: CanvasRenderingContext2D, { left, top, width, height }: Area): void {
  context.beginPath()
  context.rect(left, top, width, height)
  context.clip()
}

function paintOf(element: HTMLElement): Paint {
  const style = getComputedStyle(element)
  return {
    ground: style.backgroundColor,
    muted: style.color,
    line: style.borderTopColor,
    accent: style.outlineColor,
    warn: style.textDecorationColor,
    good: style.columnRuleColor,
    kinds: KINDS.map((kind) => style.getPropertyValue(`--kind-${kind}`).trim()),
  }
}
