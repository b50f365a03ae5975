// From the usual hours of a week to shapes: the band, the median, and where a value of now stands.

import type { Usual } from '../../api/types'

export interface WeekShapes {
  band: string[]
  median: string[]
  nowY: number | null
}

export function weekShapes(
  hours: readonly (Usual | null)[],
  now: number | null,
  width: number,
  height: number,
): WeekShapes {
  const top = Math.max(now ?? 0, ...hours.map((hour) => hour?.high_bps ?? 0)) || 1
  const x = (hour: number) => ((hour + 0.5) * width) / hours.length
  const y = (value: number) => height - (value / top) * (height - 8)
  const runs: Usual[][] = []
  for (const [index, hour] of hours.entries()) {
    if (!hour) continue
    if (hours[index - 1]) runs.at(-1)?.push(hour)
    else runs.push([hour])
  }
  const point = (hour: Usual, value: number) => `${x(hour.hour).toFixed(1)} ${y(value).toFixed(1)}`
  return {
    band: runs.map((run) => {
      const above = run.map((hour) => point(hour, hour.high_bps))
      const below = run.map((hour) => point(hour, hour.low_bps)).reverse()
      return `M${[...above, ...below].join('L')}Z`
    }),
    median: runs.map((run) => `M${run.map((hour) => point(hour, hour.median_bps)).join('L')}`),
    nowY: now === null ? null : y(now),
  }
}

export function verdictOf(hour: Usual | null, now: number | null): 'above' | 'within' | 'below' | 'unknown' {
  if (!hour || now === null) return 'unknown'
  if (now > hour.high_bps) return 'above'
  return now < hour.low_bps ? 'below' : 'within'
}
