// Where a series says nothing. A gap is drawn as a gap and shaded; it is never bridged and never zero.

export type Point = [number, number | null]

export interface Gap {
  fromMs: number
  toMs: number
}

/** Spans in which none of `series` has a value. All of them must have the same steps. */
export function gapsOf(series: readonly (readonly Point[])[], stepSeconds: number): Gap[] {
  const stepMs = stepSeconds * 1000
  const first = series[0] ?? []
  const gaps: Gap[] = []
  let open: Gap | null = null
  for (const [index, [at]] of first.entries()) {
    const silent = series.every((points) => (points[index]?.[1] ?? null) === null)
    if (!silent) {
      open = null
    } else if (open) {
      open.toMs = at + stepMs
    } else {
      open = { fromMs: at, toMs: at + stepMs }
      gaps.push(open)
    }
  }
  // The step that is being measured right now is not a gap yet.
  const last = gaps.at(-1)
  const end = (first.at(-1)?.[0] ?? 0) + stepMs
  if (last && last.toMs === end && last.toMs - last.fromMs <= stepMs) gaps.pop()
  return gaps
}

export function totalSeconds(gaps: readonly Gap[]): number {
  return gaps.reduce((sum, gap) => sum + (gap.toMs - gap.fromMs) / 1000, 0)
}
