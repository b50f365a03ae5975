import { describe, expect, it } from 'vitest'
import { type Palette, peakOf, ratioTop, showsLevel, type TimeChart, timeOption } from './options'

const palette: Palette = {
  ink: '#111',
  faint: '#222',
  line: '#333',
  surface: '#444',
  gap: '#555',
  level: '#666',
  series: ['#a', '#b'],
  font: 'x',
}
const chart: TimeChart = {
  lines: [
    {
      name: 'in',
      colour: 1,
      points: [
        [0, 5],
        [10, null],
        [20, 7],
        [30, null],
      ],
    },
  ],
  unit: 'bps',
  fromMs: 0,
  toMs: 40,
  gaps: [{ fromMs: 10, toMs: 20 }],
  gapLabel: 'no data',
  level: { value: 10, label: 'contracted' },
  description: 'traffic',
}
const optionOf = (changed: Partial<TimeChart> = {}) =>
  // biome-ignore lint/suspicious/noExplicitAny: ECharts' own option type has no names for what we look into.
  timeOption({ ...chart, ...changed }, palette, 'en') as any

describe('timeOption', () => {
  it('never bridges a gap, shades it, and marks a value between two gaps', () => {
    const [series] = optionOf().series
    expect(series.connectNulls).toBe(false)
    expect(series.data[1]).toEqual([10, null])
    expect(series.markArea.data[0][0]).toEqual({ xAxis: 10, name: 'no data' })
    expect(series.symbolSize(null, { dataIndex: 2 })).toBe(4)
  })

  it('draws the level and leaves room for it', () => {
    const option = optionOf()
    expect(option.series[0].markLine.data).toEqual([{ yAxis: 10 }])
    expect(option.yAxis.max({ max: 7 })).toBeCloseTo(10.8)
    expect(option.yAxis.max({ max: 50 })).toBe(50)
  })

  it('ends the axis of a share at a share, never at 120 %', () => {
    const shares = (...values: (number | null)[]): Partial<TimeChart> => ({
      unit: 'ratio',
      level: undefined,
      lines: [{ name: 'loss', colour: 1, points: values.map((value, index) => [index, value]) }],
    })
    expect(optionOf(shares(1, null)).yAxis).toMatchObject({ max: 1, interval: 0.25 })
    expect(optionOf(shares(0, 0)).yAxis).toMatchObject({ max: 0.04, interval: 0.01 })
    expect(optionOf(shares()).yAxis.max).toBe(0.04)
    expect(optionOf(shares(0.3)).yAxis.max).toBe(0.4)
    expect(ratioTop({ ...chart, ...shares(1.5) })).toBeUndefined()
    expect(optionOf({ level: undefined }).yAxis.max).toBeUndefined()
  })

  it('leaves the level away when the lines would be flattened by it', () => {
    expect(showsLevel({ ...chart, level: { value: 1000, label: '' } })).toBe(false)
    expect(optionOf({ level: { value: 1000, label: '' } }).series[0].markLine).toBeUndefined()
  })

  it('keeps the asked range on the axis even where nothing was measured', () => {
    const option = optionOf({ lines: [] })
    expect([option.xAxis.min, option.xAxis.max]).toEqual([0, 40])
    expect(peakOf([])).toBe(0)
  })

  it('divides no bit, so that a dead line does not repeat its labels', () => {
    expect(optionOf().yAxis.minInterval).toBe(1)
    expect(optionOf({ unit: 'seconds' }).yAxis.minInterval).toBeUndefined()
  })

  it('says in the tooltip that nothing was measured', () => {
    const item = { axisValue: 10, seriesName: 'in', marker: '', value: [10, null] }
    expect(optionOf().tooltip.formatter([item])).toContain('no data')
  })
})
