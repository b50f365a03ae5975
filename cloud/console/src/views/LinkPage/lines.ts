// From the API's series to the lines of the four charts. The two ends look at the same line from opposite sides: what
// comes in at the school goes out at the centre, so the centre's rates are mirrored before they are drawn together.

import type { LinkSeries, Vantage } from '../../api/types'
import type { Point } from '../../charts/gaps'
import type { TimeLine } from '../../charts/options'
import type { Messages } from '../../messages'

export const METRICS = [
  'in_bps',
  'out_bps',
  'loss_ratio',
  'rtt_seconds',
  'jitter_seconds',
  'in_errors_per_second',
  'out_errors_per_second',
  'in_discards_per_second',
  'out_discards_per_second',
] as const

export type Metric = (typeof METRICS)[number]

export function pointsOf(answer: LinkSeries, vantage: Vantage, metric: Metric): Point[] {
  return answer.series.find((series) => series.metric === metric && series.vantage === vantage)?.points ?? []
}

/** Sum of two series step by step; null only where both are. */
export function sumOf(left: readonly Point[], right: readonly Point[]): Point[] {
  return left.map(([at, a], index) => {
    const b = right[index]?.[1] ?? null
    return [at, a === null && b === null ? null : (a ?? 0) + (b ?? 0)]
  })
}

type Drawing = { name: string; metric: (vantage: Vantage) => Metric | readonly [Metric, Metric] }

export function linesOf(
  answer: LinkSeries,
  vantages: readonly Vantage[],
  drawings: readonly Drawing[],
  t: Messages,
): TimeLine[] {
  return vantages.flatMap((vantage) =>
    drawings.map(({ name, metric }, index) => {
      const chosen = metric(vantage)
      const points =
        typeof chosen === 'string'
          ? pointsOf(answer, vantage, chosen)
          : sumOf(pointsOf(answer, vantage, chosen[0]), pointsOf(answer, vantage, chosen[1]))
      return {
        name: vantages.length > 1 ? `${t.link.vantages[vantage]} · ${name}` : name,
        points,
        colour: vantage === 'centre' ? index + 2 : index,
        dashed: vantages.length > 1 && vantage === 'centre',
        area: vantage === vantages[0] && index === 0,
      }
    }),
  )
}

export function trafficDrawings(t: Messages): Drawing[] {
  return [
    { name: t.metrics.to_school_bps, metric: (vantage) => (vantage === 'school' ? 'in_bps' : 'out_bps') },
    { name: t.metrics.from_school_bps, metric: (vantage) => (vantage === 'school' ? 'out_bps' : 'in_bps') },
  ]
}

export function lossDrawings(t: Messages): Drawing[] {
  return [{ name: t.metrics.loss_ratio, metric: () => 'loss_ratio' }]
}

export function latencyDrawings(t: Messages): Drawing[] {
  return [
    { name: t.metrics.rtt_seconds, metric: () => 'rtt_seconds' },
    { name: t.metrics.jitter_seconds, metric: () => 'jitter_seconds' },
  ]
}

/** Both directions in sum: eight lines in one chart would say nothing. */
export function errorDrawings(t: Messages): Drawing[] {
  return [
    { name: t.link.errorsSum, metric: () => ['in_errors_per_second', 'out_errors_per_second'] },
    { name: t.link.discardsSum, metric: () => ['in_discards_per_second', 'out_discards_per_second'] },
  ]
}

export function hasValues(answer: LinkSeries): boolean {
  return answer.series.some((series) => series.points.some(([, value]) => value !== null))
}
