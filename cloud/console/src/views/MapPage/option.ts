// What ECharts is told for the map: one mark per school, its shape and colour from the line's status, its name beside it.

import type { EChartsCoreOption } from 'echarts/core'
import type { SchoolRow, StatusWord } from '../../api/types'
import { urgency } from '../../components/statusOrder'
import type { Language } from '../../format/time'
import type { Messages } from '../../messages'

/** ECharts' own symbols that come nearest to the marks of StatusMark, and whether they are hollow. */
export const SYMBOLS: Record<StatusWord, { symbol: string; hollow: boolean }> = {
  up: { symbol: 'circle', hollow: true },
  degraded: { symbol: 'triangle', hollow: false },
  down: { symbol: 'rect', hollow: false },
  unreachable: { symbol: 'rect', hollow: true },
  unknown: { symbol: 'roundRect', hollow: true },
  maintenance: { symbol: 'diamond', hollow: false },
  flapping: { symbol: 'pin', hollow: false },
}

export function mapOption(
  schools: readonly SchoolRow[],
  map: string | null,
  token: (name: string) => string,
  t: Messages,
  language: Language,
  label: string,
): EChartsCoreOption {
  const nameOf = (row: SchoolRow) => (language === 'en' && row.name_en ? row.name_en : row.name)
  // The most urgent is drawn last, over its neighbours.
  const ordered = [...schools].sort((a, b) => urgency(b.link_status) - urgency(a.link_status))
  const axis = { type: 'value', scale: true, show: false }
  return {
    animation: false,
    aria: { enabled: true, label: { description: label } },
    tooltip: {
      backgroundColor: token('--surface-raised'),
      borderColor: token('--line'),
      textStyle: { color: token('--ink'), fontSize: 12 },
      formatter: ({ name, data }: { name: string; data?: { word: string } }) =>
        data ? `${name} · ${data.word}` : name,
    },
    ...(map
      ? {
          geo: {
            map,
            roam: true,
            itemStyle: { areaColor: token('--surface-sunk'), borderColor: token('--line-strong') },
            emphasis: { disabled: true },
            select: { disabled: true },
          },
        }
      : { xAxis: axis, yAxis: axis, grid: { left: 60, right: 110, top: 30, bottom: 30 } }),
    series: [
      {
        type: 'scatter',
        coordinateSystem: map ? 'geo' : 'cartesian2d',
        data: ordered.map((row) => {
          const status = row.link_status ?? 'unknown'
          return {
            name: nameOf(row),
            school: row.school,
            word: t.status[status],
            value: [row.longitude, row.latitude],
            symbol: SYMBOLS[status].symbol,
            symbolSize: status === 'up' ? 11 : 15,
            itemStyle: {
              color: SYMBOLS[status].hollow ? token('--surface') : token(`--${status}`),
              borderColor: token(`--${status}`),
              borderWidth: SYMBOLS[status].hollow ? 2 : 0,
              borderType: status === 'unknown' ? 'dotted' : 'solid',
            },
            label: { color: token(status === 'up' ? '--ink-soft' : '--ink') },
          }
        }),
        label: { show: true, position: 'right', formatter: '{b}', fontSize: 11 },
        labelLayout: { hideOverlap: true },
      },
    ],
  }
}
