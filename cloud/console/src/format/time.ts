// Times on the screen: stored in UTC, shown in the district's time zone whatever zone the browser is in.

import { MISSING } from './units'

export const DISTRICT_TIME_ZONE = 'Asia/Shanghai'

export type Language = 'zh-CN' | 'en'

type Moment = string | number | Date | null | undefined

const formatters = new Map<string, Intl.DateTimeFormat>()

function formatter(language: Language, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language}${JSON.stringify(options)}`
  let found = formatters.get(key)
  if (!found) {
    // en-GB: 24 hours and day before month, as in the Chinese text.
    const locale = language === 'en' ? 'en-GB' : 'zh-CN'
    found = new Intl.DateTimeFormat(locale, { timeZone: DISTRICT_TIME_ZONE, hourCycle: 'h23', ...options })
    formatters.set(key, found)
  }
  return found
}

/** Milliseconds since 1970, or null when there is no such moment. */
export function toMs(moment: Moment): number | null {
  if (moment === null || moment === undefined || moment === '') return null
  const ms =
    moment instanceof Date ? moment.getTime() : typeof moment === 'number' ? moment : Date.parse(moment)
  return Number.isNaN(ms) ? null : ms
}

function shown(moment: Moment, language: Language, options: Intl.DateTimeFormatOptions): string {
  const ms = toMs(moment)
  return ms === null ? MISSING : formatter(language, options).format(ms)
}

const CLOCK = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const

export function clock(moment: Moment, language: Language): string {
  return shown(moment, language, CLOCK)
}

export function hourMinute(moment: Moment, language: Language): string {
  return shown(moment, language, { hour: '2-digit', minute: '2-digit' })
}

export function dayMonth(moment: Moment, language: Language): string {
  return shown(moment, language, { month: 'short', day: 'numeric' })
}

export function weekdayDate(moment: Moment, language: Language): string {
  return shown(moment, language, { month: 'short', day: 'numeric', weekday: 'short' })
}

export function dateClock(moment: Moment, language: Language): string {
  return shown(moment, language, { year: 'numeric', month: '2-digit', day: '2-digit', ...CLOCK })
}

const SPANS = [
  { seconds: 86_400, zh: '天', en: 'd' },
  { seconds: 3_600, zh: '小时', en: 'h' },
  { seconds: 60, zh: '分', en: 'min' },
  { seconds: 1, zh: '秒', en: 's' },
] as const

/** A span of time in its largest units, two or fewer: 2 分 10 秒 / 2 min 10 s. */
export function span(seconds: number | null | undefined, language: Language, units: 1 | 2 = 2): string {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return MISSING
  let left = Math.max(0, Math.round(seconds))
  const parts: string[] = []
  for (const step of SPANS) {
    const amount = Math.floor(left / step.seconds)
    if (amount > 0 || (step.seconds === 1 && parts.length === 0)) {
      parts.push(`${amount} ${language === 'en' ? step.en : step.zh}`)
      left -= amount * step.seconds
    } else if (parts.length > 0) break
    if (parts.length === units) break
  }
  return parts.join(' ')
}

/** How long ago, in one unit: 12 秒前 / 12 s ago. A moment slightly ahead of our clock counts as now. */
export function ago(moment: Moment, nowMs: number, language: Language): string {
  const ms = toMs(moment)
  if (ms === null) return MISSING
  const seconds = Math.round((nowMs - ms) / 1000)
  if (seconds < -60) return shown(moment, language, { month: '2-digit', day: '2-digit', ...CLOCK })
  const whole = Math.max(0, seconds)
  const step = SPANS.find((candidate) => whole >= candidate.seconds) ?? SPANS[3]
  const amount = Math.floor(whole / step.seconds)
  return language === 'en' ? `${amount} ${step.en} ago` : `${amount} ${step.zh}前`
}

/** What an `<input type="datetime-local">` holds, read and written in the district's time zone (UTC+8, no summer time). */
export function toLocalInput(ms: number): string {
  return new Date(ms + 8 * 3_600_000).toISOString().slice(0, 16)
}

export function fromLocalInput(text: string): number | null {
  const ms = Date.parse(`${text}:00+08:00`)
  return Number.isNaN(ms) ? null : ms
}
