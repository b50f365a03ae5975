// Every terminal of the district as one small cell, in fixed places: schools side by side in district order, each filled
// column by column, room after room. Layout and colours are worked out here; drawing is DensityField.vue.

import type { DistrictState } from '../../api/types'

export interface Strip {
  school: string
  column: number
  columns: number
}

export interface FieldLayout {
  rows: number
  columns: number
  strips: Strip[]
  /** Place of each terminal in the picture, row-major, in the order of the document. */
  places: Uint32Array
  /** 1 where the terminal belongs to every other agent of its school, so that rooms can be told apart. */
  odd: Uint8Array
  /** Names the terminals that were laid out; another set needs another layout. */
  signature: string
}

type Agents = DistrictState['terminals']

const GAP_COLUMNS = 1

export function signatureOf(agents: Agents): string {
  return agents.map(({ agent, terminals }) => `${agent}:${terminals.length}`).join(' ')
}

/** Number of rows with which a field of so many cells comes nearest to a shape (width / height). */
export function rowsFor(cells: number, schools: number, shape: number): number {
  let best = 1
  let least = Number.POSITIVE_INFINITY
  for (let rows = 8; rows <= 200; rows += 1) {
    // Half a column is lost at the end of each school on average, and one between two schools.
    const columns = cells / rows + schools * (GAP_COLUMNS + 0.5)
    const miss = Math.abs(Math.log(columns / rows / shape))
    if (miss < least) {
      least = miss
      best = rows
    }
  }
  return best
}

export function layOut(agents: Agents, shape: number): FieldLayout {
  const cells = agents.reduce((sum, { terminals }) => sum + terminals.length, 0)
  const schools = new Set(agents.map(({ school }) => school)).size
  const rows = rowsFor(cells, schools, shape)
  const columnOf: number[] = []
  const rowOf: number[] = []
  const odd = new Uint8Array(cells)
  const strips: Strip[] = []
  let column = 0
  let inSchool = 0
  let rooms = 0
  let school: string | null | undefined
  let cell = 0
  const close = () => {
    const strip = strips.at(-1)
    if (strip) strip.columns = Math.max(1, Math.ceil(inSchool / rows))
    column = strip ? strip.column + strip.columns + GAP_COLUMNS : 0
  }
  for (const agent of agents) {
    if (agent.school !== school || strips.length === 0) {
      close()
      school = agent.school
      strips.push({ school: agent.school ?? '', column, columns: 1 })
      inSchool = 0
      rooms = 0
    }
    for (const _ of agent.terminals) {
      columnOf.push(column + Math.floor(inSchool / rows))
      rowOf.push(inSchool % rows)
      odd[cell] = rooms % 2
      inSchool += 1
      cell += 1
    }
    rooms += 1
  }
  close()
  const columns = Math.max(1, column - GAP_COLUMNS)
  const places = Uint32Array.from(columnOf, (x, index) => (rowOf[index] ?? 0) * columns + x)
  return { rows, columns, strips, places, odd, signature: signatureOf(agents) }
}

/** The letters of every terminal in the order of the document, as character codes. */
export function lettersOf(agents: Agents): Uint8Array {
  const letters = new Uint8Array(agents.reduce((sum, { status }) => sum + status.length, 0))
  let cell = 0
  for (const { status } of agents) {
    for (let index = 0; index < status.length; index += 1) letters[cell++] = status.charCodeAt(index)
  }
  return letters
}

export interface FieldCounts {
  present: number
  absent: number
  unreachable: number
  unknown: number
}

export function countLetters(letters: Uint8Array): FieldCounts {
  const counts: FieldCounts = { present: 0, absent: 0, unreachable: 0, unknown: 0 }
  for (const letter of letters) {
    if (letter === 117) counts.present += 1
    else if (letter === 100) counts.absent += 1
    else if (letter === 114) counts.unreachable += 1
    else counts.unknown += 1
  }
  return counts
}

export type Rgb = readonly [red: number, green: number, blue: number]

export interface Palette {
  present: Rgb
  presentOdd: Rgb
  absent: Rgb
  unreachable: Rgb
  unreachableGap: Rgb
  unknown: Rgb
  unknownGap: Rgb
}

/** Colour of one cell. What cannot be seen is hatched, cell by cell, so that it reads without colour too. */
export function colourOf(letter: number, odd: number, column: number, row: number, palette: Palette): Rgb {
  if (letter === 117) return odd ? palette.presentOdd : palette.present
  if (letter === 100) return palette.absent
  if (letter === 114) return (column + row) % 2 ? palette.unreachableGap : palette.unreachable
  return (column + row) % 2 ? palette.unknownGap : palette.unknown
}

export const FADE_MS = 1500

/** Paint every cell into RGBA pixels; a cell that changed less than `FADE_MS` ago is still bright. Returns whether any is. */
export function paint(
  pixels: Uint8ClampedArray,
  layout: FieldLayout,
  letters: Uint8Array,
  changedAtMs: Float64Array,
  nowMs: number,
  palette: Palette,
): boolean {
  let fading = false
  const { places, odd, columns } = layout
  for (let cell = 0; cell < places.length; cell += 1) {
    const place = places[cell] ?? 0
    const [red, green, blue] = colourOf(
      letters[cell] ?? 0,
      odd[cell] ?? 0,
      place % columns,
      Math.floor(place / columns),
      palette,
    )
    const glow = Math.max(0, 1 - (nowMs - (changedAtMs[cell] ?? 0)) / FADE_MS)
    if (glow > 0) fading = true
    const at = place * 4
    pixels[at] = red + (255 - red) * glow
    pixels[at + 1] = green + (255 - green) * glow
    pixels[at + 2] = blue + (255 - blue) * glow
    pixels[at + 3] = 255
  }
  return fading
}

/** Note which cells differ from what was shown before. */
export function noteChanges(
  before: Uint8Array,
  after: Uint8Array,
  changedAtMs: Float64Array,
  nowMs: number,
): number {
  let changed = 0
  for (let cell = 0; cell < after.length; cell += 1) {
    if (before[cell] !== after[cell]) {
      changedAtMs[cell] = nowMs
      changed += 1
    }
  }
  return changed
}
