import { describe, expect, it } from 'vitest'
import { pretty, spaced } from './payload'

describe('payload', () => {
  it('lays out JSON, and leaves what was cut off alone', () => {
    expect(pretty('{"a":1}')).toBe('{\n  "a": 1\n}')
    expect(pretty('{"a":1,"b')).toBe('{"a":1,"b')
  })

  it('groups bytes, sixteen to a line', () => {
    expect(spaced('00ff')).toBe('00 ff')
    expect(spaced('00'.repeat(17)).split('\n')).toHaveLength(2)
    expect(spaced('')).toBe('')
  })
})
