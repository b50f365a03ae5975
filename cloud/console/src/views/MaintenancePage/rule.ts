// Recurring rules in plain words, and the few that the form makes. Others are shown as they are written.

import type { Language } from '../../format/time'
import { hourMinute, toMs, weekdayDate } from '../../format/time'
import type { Messages } from '../../messages'

export const REPEATS = ['once', 'daily', 'weekly', 'monthly'] as const
export type Repeat = (typeof REPEATS)[number]

const DAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'] as const
const DISTRICT_AHEAD_MS = 8 * 3_600_000
const LAST_WEEK_FROM = 29

/** The rule that repeats a moment: the same day of the week, or that day's place in its month. */
export function ruleOf(repeat: Repeat, startsAt: number): string | null {
  const local = new Date(startsAt + DISTRICT_AHEAD_MS)
  const day = DAYS[local.getUTCDay()]
  const date = local.getUTCDate()
  switch (repeat) {
    case 'once':
      return null
    case 'daily':
      return 'FREQ=DAILY'
    case 'weekly':
      return `FREQ=WEEKLY;BYDAY=${day}`
    case 'monthly':
      // Few months have a fifth Saturday; each has a last one.
      return `FREQ=MONTHLY;BYDAY=${date >= LAST_WEEK_FROM ? -1 : Math.ceil(date / 7)}${day}`
  }
}

/** A rule as people say it; null when it is not one of those we have words for. */
export function ruleText(recurrence: string | null, t: Messages): string | null {
  const words = t.maintenance.rules
  if (recurrence === null) return words.once
  const parts = new Map(
    recurrence
      .replace(/^RRULE:/i, '')
      .toUpperCase()
      .split(';')
      .map((part) => part.split('=', 2) as [string, string]),
  )
  const { FREQ: freq, BYDAY: by, ...others } = Object.fromEntries(parts)
  if (Object.keys(others).length) return null
  const days = by ? by.split(',').map((text) => /^(-?\d)?([A-Z]{2})$/.exec(text)) : []
  if (days.some((day) => day === null || !((day[2] as string) in words.days))) return null
  const named = days.map((day) => words.days[day?.[2] as string] ?? '')
  const numbered = days.some((day) => day?.[1])
  if (freq === 'DAILY' && !by) return words.daily
  if (freq === 'WEEKLY' && named.length && !numbered) return words.weekly(named)
  if (freq === 'MONTHLY' && named.length === 1 && numbered) {
    const which = words.ordinals[days[0]?.[1] ?? '']
    return which ? words.monthly(which, named[0] ?? '') : null
  }
  return null
}

/** From when to when, the date said once. */
export function timeText(from: string | number, seconds: number, language: Language): string {
  const begin = toMs(from) ?? 0
  const end = begin + seconds * 1000
  const sameDay = weekdayDate(begin, language) === weekdayDate(end, language)
  const until = `${sameDay ? '' : `${weekdayDate(end, language)} `}${hourMinute(end, language)}`
  return `${weekdayDate(begin, language)} ${hourMinute(begin, language)} – ${until}`
}
