import { describe, expect, it } from 'vitest'
import type { PupilRow, TerminalSync } from '../../api/types'
import { CAUSES, MARKS, rowsOf, safetyOf, seatOf, seatsOf } from './seats'

const pupil: PupilRow = {
  person: 'p-1',
  number: 1,
  row: 1,
  column: 1,
  terminal: 't-1',
  under_14: true,
  name: null,
}
const same = { desired: 'a', reported: 'a', state: 'synced' } as const
const well: TerminalSync = {
  terminal: 't-1',
  school: 's01',
  classroom: 's01-c01',
  agent: 's01-gw',
  holder: 'p-1',
  present: true,
  seen_at: '2026-11-27T01:00:00Z',
  seen_age_seconds: 5,
  content: same,
  app: same,
  configuration: same,
  roster: same,
  missing_bytes: 0,
  unsent: 0,
  oldest_unsent_at: null,
  oldest_unsent_seconds: null,
  battery_ratio: 0.8,
  storage_free_bytes: 9e9,
}
const late = { desired: 'a', reported: 'b', state: 'pending' } as const
const untold = { desired: 'a', reported: null, state: 'unknown' } as const
const heard = { inTouch: true }
const said = (changes: Partial<TerminalSync>, around: Parameters<typeof seatOf>[2] = heard) =>
  seatOf(pupil, { ...well, ...changes }, around)

describe('seatOf', () => {
  it.each<[string, Partial<TerminalSync>]>([
    ['unsent_stuck', { unsent: 2, oldest_unsent_seconds: 31 }],
    ['unsent_stuck', { unsent: 2, oldest_unsent_seconds: 1, present: false }],
    ['unreachable', { present: false }],
    ['not_seen', { seen_age_seconds: 121 }],
    ['not_seen', { present: null, seen_at: null, seen_age_seconds: null }],
    ['sending', { unsent: 2, oldest_unsent_seconds: 30 }],
    ['work_unknown', { unsent: null }],
    ['content_missing', { content: late, missing_bytes: 5e6 }],
    ['content_missing', { content: untold, missing_bytes: 5e6 }],
    ['outdated', { app: late }],
    ['outdated', { configuration: late, app: untold }],
    ['outdated', { roster: late }],
    ['battery_low', { battery_ratio: 0.19 }],
    ['storage_low', { storage_free_bytes: 9e8 }],
    ['partly_unknown', { content: untold }],
    ['partly_unknown', { battery_ratio: null, storage_free_bytes: null }],
    ['ready', {}],
    ['ready', { battery_ratio: null }],
    ['ready', { content: { desired: null, reported: null, state: 'none' } }],
  ])('says %s', (cause, changes) => {
    expect(said(changes).cause).toBe(cause)
  })

  it('says the most severe of several', () => {
    expect(said({ app: late, content: late, battery_ratio: 0.1 }).cause).toBe('content_missing')
  })

  it('takes nothing for good that it has not heard', () => {
    const seat = seatOf(pupil, null, heard)
    expect([seat.cause, seat.mark, seat.safe]).toEqual(['not_seen', 'unknown', null])
    expect([seat.reachable, seat.content, seat.work, seat.software, seat.power]).toEqual(
      Array(5).fill('unknown'),
    )
    expect(seatOf({ ...pupil, terminal: null }, null, heard).cause).toBe('no_device')
  })

  it('knows nothing of now while the agent is out of touch, but keeps work that was waiting', () => {
    const silent = said({}, { inTouch: false })
    expect([silent.cause, silent.mark, silent.safe]).toEqual(['not_seen', 'unknown', null])
    const waiting = said({ unsent: 1, oldest_unsent_seconds: 3 }, { inTouch: false })
    expect([waiting.cause, waiting.safe]).toEqual(['unsent_stuck', false])
  })

  it('does not wait for the silent device of a pupil who is not there', () => {
    const seat = said({ present: false }, { inTouch: true, attendance: 'absent' })
    expect([seat.cause, seat.mark, seat.safe]).toEqual(['away', 'away', true])
    expect(said({ unsent: 1, present: false }, { inTouch: true, attendance: 'excused' }).cause).toBe(
      'unsent_stuck',
    )
  })

  it('has a mark for every cause, and good for one alone', () => {
    expect(CAUSES.filter((cause) => MARKS[cause] === 'good')).toEqual(['ready'])
  })
})

describe('seatsOf', () => {
  const always = () => true

  it('follows the holder that a terminal names, heard last, before the roster', () => {
    const older = { ...well, terminal: 't-9', seen_at: '2026-11-27T00:00:00Z' }
    const borrowed = { ...well, terminal: 't-2', seen_at: '2026-11-27T01:00:01Z' }
    expect(seatsOf([pupil], [older, borrowed, well], always)[0]?.terminal).toBe('t-2')
  })

  it('takes the terminal of the roster when nobody says whose it is, never one that is another’s', () => {
    expect(seatsOf([pupil], [{ ...well, holder: null }], always)[0]?.cause).toBe('ready')
    expect(seatsOf([pupil], [{ ...well, holder: 'p-2' }], always)[0]?.said).toBeNull()
  })

  it('asks of the agent that heard the terminal whether it is in touch', () => {
    expect(seatsOf([pupil], [well], (agent) => agent !== 's01-gw')[0]?.cause).toBe('not_seen')
  })

  it('counts what is not safe and what nobody knows', () => {
    const others = ['p-2', 'p-3'].map((person) => ({ ...pupil, person, terminal: null }))
    const rows = [
      { ...well, unsent: 1 },
      { ...well, terminal: 't-2', holder: 'p-2' },
    ]
    expect(safetyOf(seatsOf([pupil, ...others], rows, always))).toEqual({ unsafe: 1, unknown: 1 })
  })
})

describe('rowsOf', () => {
  it('needs a place of their own for everybody', () => {
    expect(rowsOf([pupil, { ...pupil, row: 3 }])).toBe(3)
    expect(rowsOf([pupil, { ...pupil, person: 'p-2' }])).toBeNull()
    expect(rowsOf([pupil, { ...pupil, row: null }])).toBeNull()
    expect(rowsOf([])).toBeNull()
  })
})
