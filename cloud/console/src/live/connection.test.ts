import { describe, expect, it } from 'vitest'
import { backoffMs, connectionOf, POLL_MS, SILENT_MS } from './connection'

const NOW = 1_000_000
const nothing = { nowMs: NOW, streamHeardMs: null, polledMs: null, databaseAway: false, failures: 0 }

describe('connection', () => {
  it('is connecting until the first message or the first failure', () => {
    expect(connectionOf(nothing)).toBe('connecting')
    expect(connectionOf({ ...nothing, polledMs: NOW })).toBe('connecting')
    expect(connectionOf({ ...nothing, failures: 1 })).toBe('stale')
  })

  it('is live while the stream speaks, and stale when it has been silent too long', () => {
    expect(connectionOf({ ...nothing, streamHeardMs: NOW - SILENT_MS + 1 })).toBe('live')
    expect(connectionOf({ ...nothing, streamHeardMs: NOW - SILENT_MS })).toBe('stale')
  })

  it('is polling while answers to questions replace the stream', () => {
    expect(connectionOf({ ...nothing, failures: 2, polledMs: NOW - POLL_MS })).toBe('polling')
    expect(connectionOf({ ...nothing, failures: 9, polledMs: NOW - 3 * POLL_MS })).toBe('stale')
  })

  it('does not call a picture live that the cloud cannot read from its database', () => {
    expect(connectionOf({ ...nothing, streamHeardMs: NOW, databaseAway: true })).toBe('stale')
  })

  it('waits longer after each failure, within bounds, spread over the whole span', () => {
    expect(backoffMs(1, 0)).toBe(500)
    expect(backoffMs(1, 1)).toBe(2_000)
    expect(backoffMs(50, 1)).toBe(15_000)
    expect(backoffMs(50, 0)).toBe(500)
  })
})
