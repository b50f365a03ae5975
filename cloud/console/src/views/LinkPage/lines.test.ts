import { describe, expect, it } from 'vitest'
import type { LinkSeries, Vantage } from '../../api/types'
import { messagesIn } from '../../messages'
import { errorDrawings, hasValues, linesOf, sumOf, trafficDrawings } from './lines'

const t = messagesIn('en')
const series = (metric: string, vantage: Vantage, ...values: (number | null)[]) => ({
  metric,
  unit: 'bps',
  vantage,
  points: values.map((value, index): [number, number | null] => [index, value]),
})
const answer = {
  series: [
    series('in_bps', 'school', 100),
    series('out_bps', 'school', 10),
    series('in_bps', 'centre', 11),
    series('out_bps', 'centre', 99),
  ],
} as LinkSeries

describe('linesOf', () => {
  it('mirrors the centre, so that both ends speak of the same direction', () => {
    const lines = linesOf(answer, ['school', 'centre'], trafficDrawings(t), t)
    expect(lines.map((line) => [line.name, line.points[0]?.[1], line.dashed])).toEqual([
      ['School · To school', 100, false],
      ['School · From school', 10, false],
      ['Centre · To school', 99, true],
      ['Centre · From school', 11, true],
    ])
  })

  it('leaves the end out of the names when only one is shown', () => {
    expect(linesOf(answer, ['centre'], trafficDrawings(t), t)[0]).toMatchObject({
      name: 'To school',
      dashed: false,
    })
  })

  it('draws nothing for what was not answered', () => {
    expect(linesOf(answer, ['school'], errorDrawings(t), t)[0]?.points).toEqual([])
  })
})

describe('sumOf', () => {
  it('is a gap only where neither was measured', () => {
    expect(
      sumOf(
        [
          [0, 1],
          [1, null],
          [2, null],
        ],
        [
          [0, 2],
          [1, 3],
          [2, null],
        ],
      ),
    ).toEqual([
      [0, 3],
      [1, 3],
      [2, null],
    ])
  })
})

describe('hasValues', () => {
  it('takes a measured zero for a value', () => {
    expect(hasValues({ series: [series('in_bps', 'school', null, null)] } as LinkSeries)).toBe(false)
    expect(hasValues({ series: [series('in_bps', 'school', null, 0)] } as LinkSeries)).toBe(true)
  })
})
