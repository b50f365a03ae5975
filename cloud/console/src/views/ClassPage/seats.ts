// What a teacher sees of one pupil at the centre: one mark, one cause and the five facts behind it. Pure.
// The order of severity, the limits and the words are those of the page that the agent serves in the classroom
// (edge_agent/classroom/seats.py): the same device must not read as ready here and as lost there.

import type { Compared, PupilRow, TerminalSync } from '../../api/types'

export type Mark = 'good' | 'attention' | 'bad' | 'unknown' | 'away' | 'unasked'

/** Most severe first; the first that holds is the seat's. */
export const CAUSES = [
  'unsent_stuck',
  'away',
  'no_device',
  'unreachable',
  'not_seen',
  'sending',
  'work_unknown',
  'content_missing',
  'outdated',
  'battery_low',
  'storage_low',
  'partly_unknown',
  'ready',
] as const
export type Cause = (typeof CAUSES)[number]

export const MARKS: Readonly<Record<Cause, Mark>> = {
  unsent_stuck: 'bad',
  away: 'away',
  no_device: 'unknown',
  unreachable: 'bad',
  not_seen: 'unknown',
  sending: 'attention',
  work_unknown: 'unknown',
  content_missing: 'attention',
  outdated: 'attention',
  battery_low: 'attention',
  storage_low: 'attention',
  partly_unknown: 'unknown',
  ready: 'good',
}

const STUCK_SECONDS = 30
const FRESH_SECONDS = 120
const BATTERY_LOW_RATIO = 0.2
const STORAGE_LOW_BYTES = 1e9

export interface Seat {
  pupil: PupilRow
  /** What the terminal last said; null when no terminal is known or the centre does not know it. */
  said: TerminalSync | null
  terminal: string | null
  mark: Mark
  cause: Cause
  /** Null when nobody can say whether work waits on the device. */
  safe: boolean | null
  reachable: Mark
  content: Mark
  work: Mark
  software: Mark
  power: Mark
}

export type Attendance = 'present' | 'late' | 'absent' | 'excused'

interface Circumstances {
  attendance?: Attendance | null | undefined
  /** Whether the agent that hears the device is in touch with the centre now; if not, nothing is known of now. */
  inTouch: boolean
}

/** Returns how one pupil's device is, as far as the centre knows. */
export function seatOf(pupil: PupilRow, said: TerminalSync | null, around: Circumstances): Seat {
  const away = around.attendance === 'absent' || around.attendance === 'excused'
  const terminal = said?.terminal ?? pupil.terminal ?? null
  const reachable = reachableOf(said, around.inTouch)
  const content = contentOf(said)
  const work = workOf(said, reachable)
  const software = softwareOf(said)
  const power = powerOf(said)
  const unsent = (said?.unsent ?? 0) > 0
  const oldest = said?.oldest_unsent_seconds ?? 0
  const holds: Partial<Record<Cause, boolean>> = {
    unsent_stuck: unsent && (reachable !== 'good' || oldest > STUCK_SECONDS),
    away,
    no_device: terminal === null,
    unreachable: reachable === 'bad',
    not_seen: reachable === 'unknown',
    sending: unsent,
    work_unknown: work === 'unknown',
    content_missing: content === 'attention',
    outdated: software === 'attention',
    battery_low: isLow(said),
    storage_low: isShort(said),
    partly_unknown: [content, software, power].includes('unknown'),
  }
  const cause = CAUSES.find((one) => holds[one]) ?? 'ready'
  const safe = work === 'unknown' ? (away ? true : null) : work === 'good'
  return { pupil, said, terminal, mark: MARKS[cause], cause, safe, reachable, content, work, software, power }
}

/** Finds each pupil's terminal: the one that says it is theirs, heard last; else the one the roster gives them. */
export function seatsOf(
  pupils: readonly PupilRow[],
  terminals: readonly TerminalSync[],
  inTouch: (agent: string) => boolean,
  attendance: ReadonlyMap<string, Attendance | null> = new Map(),
): Seat[] {
  const latest = new Map<string, TerminalSync>()
  const named = new Map<string, TerminalSync>()
  for (const one of terminals) {
    if (one.holder === null) {
      named.set(one.terminal, one)
      continue
    }
    const before = latest.get(one.holder)
    if (!before || (one.seen_at ?? '') > (before.seen_at ?? '')) latest.set(one.holder, one)
  }
  return pupils.map((pupil) => {
    const said = latest.get(pupil.person) ?? named.get(pupil.terminal ?? '') ?? null
    return seatOf(pupil, said, {
      attendance: attendance.get(pupil.person),
      inTouch: said !== null && inTouch(said.agent),
    })
  })
}

/** How many devices hold unsafe work, and of how many nobody knows. */
export function safetyOf(seats: readonly Seat[]): { unsafe: number; unknown: number } {
  return {
    unsafe: seats.filter((seat) => seat.safe === false).length,
    unknown: seats.filter((seat) => seat.safe === null).length,
  }
}

/** Rows of the room when every pupil has a place in it, each alone; null when they stand in the order of numbers. */
export function rowsOf(pupils: readonly PupilRow[]): number | null {
  const places = new Set<string>()
  let rows = 0
  for (const { row, column } of pupils) {
    if (!row || !column) return null
    places.add(`${row}/${column}`)
    rows = Math.max(rows, row)
  }
  return rows > 0 && places.size === pupils.length ? rows : null
}

function reachableOf(said: TerminalSync | null, inTouch: boolean): Mark {
  if (!said || said.present === null || !inTouch) return 'unknown'
  if (!said.present) return 'bad'
  return (said.seen_age_seconds ?? Number.POSITIVE_INFINITY) <= FRESH_SECONDS ? 'good' : 'unknown'
}

function contentOf(said: TerminalSync | null): Mark {
  const mark = comparedOf(said?.content)
  return mark === 'unknown' && said?.missing_bytes ? 'attention' : mark
}

// A device out of reach proves nothing about its work: it may have made more since it was last heard.
function workOf(said: TerminalSync | null, reachable: Mark): Mark {
  if (!said || said.unsent === null) return 'unknown'
  if (said.unsent > 0) return 'bad'
  return reachable === 'good' ? 'good' : 'unknown'
}

function softwareOf(said: TerminalSync | null): Mark {
  const parts = [comparedOf(said?.app), comparedOf(said?.configuration), comparedOf(said?.roster)]
  return (['attention', 'unknown', 'good'] as const).find((mark) => parts.includes(mark)) ?? 'unasked'
}

function powerOf(said: TerminalSync | null): Mark {
  if (isLow(said) || isShort(said)) return 'attention'
  // A desktop has no battery: one of the two is enough to know something.
  return (said?.battery_ratio ?? said?.storage_free_bytes ?? null) === null ? 'unknown' : 'good'
}

function isLow(said: TerminalSync | null): boolean {
  return said !== null && said.battery_ratio !== null && said.battery_ratio < BATTERY_LOW_RATIO
}

function isShort(said: TerminalSync | null): boolean {
  return said !== null && said.storage_free_bytes !== null && said.storage_free_bytes < STORAGE_LOW_BYTES
}

const COMPARED = {
  synced: 'good',
  pending: 'attention',
  invalid: 'attention',
  unknown: 'unknown',
  none: 'unasked',
} as const

export function comparedOf(one: Compared | undefined): Mark {
  return one ? COMPARED[one.state] : 'unknown'
}
