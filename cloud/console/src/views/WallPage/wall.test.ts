import { describe, expect, it } from 'vitest'
import type { DistrictState, GridRow } from '../../api/types'
import { countLetters, FADE_MS, layOut, lettersOf, noteChanges, paint, rowsFor } from './density'
import { playlistOf, sceneAt } from './playlist'
import { spokesOf, strokeGaps, strokeWidth } from './weather'

type Agents = DistrictState['terminals']

function agents(schools: number, rooms: number, seats: number): Agents {
  return Array.from({ length: schools * rooms }, (_, index) => {
    const school = `s${String(Math.floor(index / rooms)).padStart(2, '0')}`
    const agent = `${school}-c${index % rooms}`
    return {
      agent,
      school,
      terminals: Array.from({ length: seats }, (_, seat) => `${agent}-t${seat}`),
      status: 'u'.repeat(seats),
    }
  })
}

const palette = {
  present: [10, 20, 30],
  presentOdd: [11, 21, 31],
  absent: [1, 1, 1],
  unreachable: [200, 200, 200],
  unreachableGap: [0, 0, 0],
  unknown: [100, 100, 100],
  unknownGap: [0, 0, 0],
} as const

describe('the field of terminals', () => {
  it('gives every terminal a place of its own, inside the picture and inside its school', () => {
    for (const [schools, rooms, seats] of [
      [43, 15, 45],
      [1, 1, 1],
      [3, 2, 7],
    ] as const) {
      const layout = layOut(agents(schools, rooms, seats), 1864 / 250)
      expect(new Set(layout.places).size).toBe(schools * rooms * seats)
      expect(Math.max(...layout.places)).toBeLessThan(layout.columns * layout.rows)
      expect(layout.strips.length).toBe(schools)
      for (const [cell, place] of layout.places.entries()) {
        const strip = layout.strips[Math.floor(cell / (rooms * seats))]
        const column = place % layout.columns
        expect(column).toBeGreaterThanOrEqual(strip?.column ?? 0)
        expect(column).toBeLessThan((strip?.column ?? 0) + (strip?.columns ?? 0))
      }
    }
  })

  it('comes near the shape of the screen', () => {
    const layout = layOut(agents(43, 15, 45), 7.4)
    expect(layout.columns / layout.rows / 7.4).toBeGreaterThan(0.85)
    expect(layout.columns / layout.rows / 7.4).toBeLessThan(1.18)
    expect(rowsFor(0, 0, 7.4)).toBeGreaterThan(0)
  })

  it('brightens what changed and stops painting when all has faded', () => {
    const before = agents(1, 1, 4)
    const layout = layOut(before, 2)
    const shown = lettersOf(before)
    const after = lettersOf([{ ...before[0], status: 'udur' } as Agents[number]])
    const changed = new Float64Array(4).fill(Number.NEGATIVE_INFINITY)
    expect(noteChanges(shown, after, changed, 1000)).toBe(2)
    const pixels = new Uint8ClampedArray(layout.columns * layout.rows * 4)
    expect(paint(pixels, layout, after, changed, 1000, palette)).toBe(true)
    const at = (layout.places[1] ?? 0) * 4
    expect(pixels[at]).toBe(255)
    expect(paint(pixels, layout, after, changed, 1000 + FADE_MS, palette)).toBe(false)
    expect(pixels[at]).toBe(1)
    expect(countLetters(after)).toEqual({ present: 2, absent: 1, unreachable: 1, unknown: 0 })
  })
})

describe('the weathermap', () => {
  const rows = Array.from(
    { length: 43 },
    (_, index) => ({ link: `l${index}`, school: `s${index}` }) as GridRow,
  )
  const providers = new Map(rows.map(({ link }, index) => [link, `p${index % 3}`]))

  it('keeps the lines of a provider together, each in a place of its own', () => {
    const { spokes, arcs } = spokesOf(rows, providers)
    expect(arcs.map(({ provider }) => provider)).toEqual(['p0', 'p1', 'p2'])
    expect(new Set(spokes.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`)).size).toBe(43)
    const order = spokes.map(({ provider }) => provider)
    expect(order).toEqual([...order].sort())
  })

  it('draws loss as what is missing of a line, and an unknown load as a thin one', () => {
    expect(strokeGaps(0)).toBe('none')
    expect(strokeGaps(0.5)).toBe('10 8')
    expect(strokeGaps(1)).toBe('2 16')
    expect(strokeWidth(null)).toBeLessThan(strokeWidth(0.01))
    expect(strokeWidth(1)).toBeLessThan(8)
  })
})

describe('the playlist', () => {
  it('shows everything unless asked otherwise, and knows its scenes', () => {
    expect(playlistOf(undefined, undefined)).toEqual({ scenes: ['all'], seconds: 30 })
    expect(playlistOf('map,nonsense,rooms', '2')).toEqual({ scenes: ['map', 'rooms'], seconds: 30 })
  })

  it('plays in turns by the clock alone', () => {
    const list = playlistOf('all,map', '10')
    expect([0, 9_999, 10_000, 20_000].map((ms) => sceneAt(list, ms))).toEqual(['all', 'all', 'map', 'all'])
  })
})
