/** The page's few pictures, drawn with lines; they say nothing that a label does not. */

const PATHS = {
  attach: "M21 11.5 12.5 20a5 5 0 0 1-7-7L14 4.5a3.5 3.5 0 0 1 5 5L10.500 18a2 2 0 0 1-3-3l7.500-7.500",
  close: "M6 6l12 12M18 6 6 18",
  columns: "M4 5h16v14H4zM12 5v14",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  done: "M5 12.500 10 17.500 19 7",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  fresh: "M12 5v14M5 12h14",
  retry: "M4 12a8 8 0 1 1 2.500 5.800M4 20v-5h5",
  send: "M12 20V5M5.500 11.500 12 5l6.500 6.500",
  settings: "M4 7h10M18 7h2M14 4.500v5M4 17h2M10 17h10M8 14.500v5",
  stop: "M7 7h10v10H7z",
  dark: "M20 14.500A8 8 0 0 1 9.500 4 8 8 0 1 0 20 14.500z",
  light:
    "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.500 1.500M17.500 17.500 19 19M19 5l-1.500 1.500M6.500 17.500 5 19",
  system: "M3 5h18v11H3zM9 20h6M12 16v4",
  timeline: "M4 20V10M9 20v-6M14 20V5M19 20v-9",
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="drawing" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  )
}
