import { describe, expect, it } from 'vitest'
import { ago, clock, dateClock, fromLocalInput, span, toLocalInput, toMs } from './time'

const NOON_UTC = Date.UTC(2026, 2, 2, 12, 0, 0)

describe('time', () => {
  it('shows the district clock, not the browser clock', () => {
    expect(clock(NOON_UTC, 'zh-CN')).toBe('20:00:00')
    expect(clock('2026-03-02T16:30:00Z', 'en')).toBe('00:30:00')
    expect(dateClock(NOON_UTC, 'zh-CN')).toContain('2026/03/02')
  })

  it('says how long ago in both languages', () => {
    expect(ago(NOON_UTC - 12_000, NOON_UTC, 'zh-CN')).toBe('12 秒前')
    expect(ago(NOON_UTC - 12_000, NOON_UTC, 'en')).toBe('12 s ago')
    expect(ago(NOON_UTC - 7_300_000, NOON_UTC, 'zh-CN')).toBe('2 小时前')
    expect(ago(NOON_UTC + 3_000, NOON_UTC, 'en')).toBe('0 s ago')
    expect(ago(null, NOON_UTC, 'en')).toBe('–')
  })

  it('shows the date of a moment well ahead of the clock instead of an age', () => {
    expect(ago(NOON_UTC + 3_600_000, NOON_UTC, 'zh-CN')).toContain('21:00:00')
  })

  it('says a span in its two largest units', () => {
    expect(span(0, 'zh-CN')).toBe('0 秒')
    expect(span(130, 'zh-CN')).toBe('2 分 10 秒')
    expect(span(130, 'zh-CN', 1)).toBe('2 分')
    expect(span(90_000, 'en')).toBe('1 d 1 h')
    expect(span(86_405, 'en')).toBe('1 d')
    expect(span(null, 'en')).toBe('–')
  })

  it('reads and writes the date field in district time', () => {
    expect(toLocalInput(NOON_UTC)).toBe('2026-03-02T20:00')
    expect(fromLocalInput('2026-03-02T20:00')).toBe(NOON_UTC)
    expect(fromLocalInput('')).toBeNull()
  })

  it('takes no moment for what is not one', () => {
    expect(toMs('soon')).toBeNull()
  })
})
