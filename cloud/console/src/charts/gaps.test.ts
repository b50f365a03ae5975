import { describe, expect, it } from 'vitest'
import { gapsOf, type Point, totalSeconds } from './gaps'

const points = (...values: (number | null)[]): Point[] =>
  values.map((value, index) => [index * 10_000, value])

describe('gapsOf', () => {
  it('finds each run without values, to the end of its last step', () => {
    const gaps = gapsOf([points(null, 1, null, null, 2)], 10)
    expect(gaps).toEqual([
      { fromMs: 0, toMs: 10_000 },
      { fromMs: 20_000, toMs: 40_000 },
    ])
    expect(totalSeconds(gaps)).toBe(30)
  })

  it('takes a measured zero for a value', () => {
    expect(gapsOf([points(0, 0, 0)], 10)).toEqual([])
  })

  it('is a gap only where every series is silent', () => {
    expect(gapsOf([points(1, null, null, 3), points(1, 2, null, 3)], 10)).toEqual([
      { fromMs: 20_000, toMs: 30_000 },
    ])
  })

  it('leaves out the step that is still being measured, but not a longer silence up to now', () => {
    expect(gapsOf([points(1, 2, null)], 10)).toEqual([])
    expect(gapsOf([points(1, null, null)], 10)).toEqual([{ fromMs: 10_000, toMs: 30_000 }])
  })

  it('has nothing to say about nothing', () => {
    expect(gapsOf([], 10)).toEqual([])
  })
})
