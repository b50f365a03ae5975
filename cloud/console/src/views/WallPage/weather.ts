// The weathermap: the centre in the middle, every school around it in fixed places, grouped by provider so that a
// provider's outage is seen as one. Places and strokes are worked out here; drawing is WeatherMap.vue.

import type { GridRow } from '../../api/types'

export interface Spoke {
  row: GridRow
  provider: string
  /** Where the school stands, in a picture of `WIDTH` × `HEIGHT` with the centre in the middle. */
  x: number
  y: number
  /** Where its strokes begin, around the centre. */
  from: { x: number; y: number }
  /** Where its name stands: further out on the same ray. */
  label: { x: number; y: number }
  angle: number
}

export interface Arc {
  provider: string
  from: number
  to: number
  x: number
  y: number
}

export const WIDTH = 800
export const HEIGHT = 500
const RADII = { x: 330, y: 200 }
/** How far from the middle a stroke begins, so that 43 of them do not meet in a blot. */
const HUB = 0.2
/** Left free between two providers, in schools. */
const GAP = 1.2

export function spokesOf(
  rows: readonly GridRow[],
  providerOf: ReadonlyMap<string, string>,
): { spokes: Spoke[]; arcs: Arc[] } {
  const groups = new Map<string, GridRow[]>()
  for (const row of rows) {
    const provider = providerOf.get(row.link) ?? ''
    groups.set(provider, [...(groups.get(provider) ?? []), row])
  }
  const step = (2 * Math.PI) / Math.max(1, rows.length + GAP * groups.size)
  const spokes: Spoke[] = []
  const arcs: Arc[] = []
  let angle = -Math.PI / 2
  for (const [provider, members] of groups) {
    const from = angle
    for (const [index, row] of members.entries()) {
      const at = angle + index * step
      // Two rings, by turns: labels keep clear of each other.
      const reach = index % 2 ? 0.78 : 1
      spokes.push({
        row,
        provider,
        angle: at,
        from: place(at, HUB),
        label: outward(place(at, reach), at),
        ...place(at, reach),
      })
    }
    angle += members.length * step
    const middle = from + ((members.length - 1) * step) / 2
    arcs.push({ provider, from, to: angle - step, ...place(middle, 1.19) })
    angle += GAP * step
  }
  return { spokes, arcs }
}

export function place(angle: number, reach: number): { x: number; y: number } {
  return {
    x: WIDTH / 2 + Math.cos(angle) * RADII.x * reach,
    y: HEIGHT / 2 + Math.sin(angle) * RADII.y * reach,
  }
}

/** A point a little further out, where a name does not stand on its own line. */
function outward({ x, y }: { x: number; y: number }, angle: number): { x: number; y: number } {
  return { x: x + Math.cos(angle) * 19, y: y + Math.sin(angle) * 16 + 4 }
}

/** Load of a line in one direction as a share of what is contracted, 0 to 1; null when either is not known. */
export function loadOf(bps: number | null | undefined, contracted: number | null | undefined): number | null {
  return bps === null || bps === undefined || !contracted ? null : Math.min(1, Math.max(0, bps / contracted))
}

/** Width of a stroke: the square root, so that a quiet line is still seen and a full one does not cover its neighbours. */
export function strokeWidth(load: number | null): number {
  return load === null ? 1 : 1 + 4 * Math.sqrt(load)
}

/** Colour of a stroke, a continuous scale from calm to full. */
export function strokeColour(load: number | null): string {
  if (load === null) return 'var(--unknown)'
  const share = Math.round(Math.min(1, load / 0.9) * 100)
  return `color-mix(in oklab, var(--series-2) ${share}%, var(--series-1))`
}

/** Gaps of a stroke: the more is lost the more of the line is missing. Solid below one per cent. */
export function strokeGaps(loss: number | null | undefined): string {
  if (!loss || loss < 0.01) return 'none'
  const gap = Math.max(2, Math.round(16 * Math.min(1, loss)))
  return `${18 - gap} ${gap}`
}
