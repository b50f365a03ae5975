import { describe, expect, it } from 'vitest'
import { bps, bpsFigure, bytes, byUnit, count, latency, MISSING, percent, perSecond, skew } from './units'

describe('units', () => {
  it('says a dash, never zero, for what was not measured', () => {
    for (const format of [bps, bytes, latency, percent, count, perSecond, skew]) {
      expect(format(null)).toBe(MISSING)
      expect(format(undefined)).toBe(MISSING)
      expect(format(Number.NaN)).toBe(MISSING)
    }
  })

  it('scales bits per second in thousands', () => {
    expect(bps(0)).toBe('0 bit/s')
    expect(bps(999)).toBe('999 bit/s')
    expect(bps(12_340)).toBe('12.3 kbit/s')
    expect(bps(412_600_000)).toBe('413 Mbit/s')
    expect(bps(1_000_000_000)).toBe('1 Gbit/s')
  })

  it('carries to the next unit rather than showing a thousand', () => {
    expect(bpsFigure(999_999_999)).toEqual({ value: '1', unit: 'Gbit/s' })
    expect(bytes(999_700)).toBe('1 MB')
  })

  it('scales bytes', () => {
    expect(bytes(512)).toBe('512 B')
    expect(bytes(1_536_000)).toBe('1.54 MB')
  })

  it('shows latency in the unit people say', () => {
    expect(latency(0)).toBe('0 ms')
    expect(latency(0.000_42)).toBe('420 µs')
    expect(latency(0.0123)).toBe('12.3 ms')
    expect(latency(1.5)).toBe('1.5 s')
  })

  it('never rounds a real loss to nothing nor a real gap to all', () => {
    expect(percent(0)).toBe('0%')
    expect(percent(0.000_01)).toBe('<0.01%')
    expect(percent(0.0534)).toBe('5.34%')
    expect(percent(0.999_99)).toBe('>99.99%')
    expect(percent(1)).toBe('100%')
  })

  it('groups counts', () => {
    expect(count(29_269)).toBe('29,269')
  })

  it('signs a clock difference', () => {
    expect(skew(0.2)).toBe('+200 ms')
    expect(skew(-90)).toBe('−90 s')
    expect(skew(0)).toBe('±0 ms')
  })

  it('formats by the unit of the series', () => {
    expect(byUnit('bps', 5e8)).toBe('500 Mbit/s')
    expect(byUnit('ratio', 0.5)).toBe('50%')
    expect(byUnit('seconds', 0.02)).toBe('20 ms')
    expect(byUnit('per_second', 3)).toBe('3/s')
    expect(byUnit('', 1.234)).toBe('1.23')
  })
})
