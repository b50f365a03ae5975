import { describe, expect, it } from 'vitest'
import type { PupilRow, TerminalSync } from '../../api/types'
import { messagesIn } from '../../messages'
import { seatOf } from './seats'
import { factsOf } from './words'

const NOW = Date.parse('2026-11-27T01:00:00Z')
const none = { desired: null, reported: null, state: 'none' } as const
const pupil: PupilRow = {
  person: 'p-1',
  number: 1,
  row: null,
  column: null,
  terminal: 't-1',
  under_14: true,
  name: null,
}
const said: TerminalSync = {
  terminal: 't-1',
  school: 's01',
  classroom: null,
  agent: 's01-gw',
  holder: 'p-1',
  present: true,
  seen_at: '2026-11-27T00:59:55Z',
  seen_age_seconds: 5,
  content: { desired: 'a', reported: 'b', state: 'pending' },
  app: { desired: '3.2.1', reported: '3.1.0', state: 'pending' },
  configuration: none,
  roster: { desired: 'a', reported: 'b', state: 'pending' },
  missing_bytes: 41_500_000,
  unsent: 0,
  oldest_unsent_at: null,
  oldest_unsent_seconds: null,
  battery_ratio: 0.8,
  storage_free_bytes: null,
}
const texts = (changes: Partial<TerminalSync> | null, inTouch = true) =>
  factsOf(seatOf(pupil, changes && { ...said, ...changes }, { inTouch }), messagesIn('en'), NOW, 'en').map(
    (fact) => fact.text,
  )

describe('factsOf', () => {
  it('says what is, with figures', () => {
    expect(texts({})).toEqual([
      'seen 5 s ago',
      '41.5 MB missing',
      'nothing waiting',
      '3.1.0, wanted 3.2.1, roster not current',
      'battery 80%',
    ])
  })

  it('says how old the oldest work is', () => {
    const work = { unsent: 3, oldest_unsent_at: '2026-11-27T00:58:00Z', oldest_unsent_seconds: 120 }
    expect(texts(work)[2]).toBe('3 waiting, the oldest made 2 min ago')
  })

  it('never says of a silent device that it is well now', () => {
    expect(texts({ present: false })[0]).toBe('silent, last seen 5 s ago')
    const [reachable, , work] = texts({}, false)
    expect(reachable).toBe('unknown, last seen 5 s ago')
    expect(work).toBe('nothing waited then, unknown now')
  })

  it('says unknown of a device that nobody has heard', () => {
    expect(texts(null)).toEqual(['never seen', 'unknown', 'unknown', 'unknown', 'unknown'])
  })

  it('tells what nobody asks for from what nobody knows', () => {
    const unasked = texts({ content: none, app: none, roster: none, missing_bytes: null })
    expect([unasked[1], unasked[3]]).toEqual(['nothing asked for', 'nothing asked for'])
  })
})
