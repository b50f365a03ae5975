// What ECharts is told for a chart over time: values in, options out. Colours come in as a palette, so that both themes
// draw from the same code.

import type { EChartsCoreOption } from 'echarts/core'
import { clock, dateClock, dayMonth, hourMinute, type Language } from '../format/time'
import { byUnit } from '../format/units'
import type { Gap, Point } from './gaps'

export interface TimeLine {
  name: string
  points: readonly Point[]
  /** Which of the palette's series colours. */
  colour: number
  dashed?: boolean
  area?: boolean
}

export interface TimeChart {
  lines: readonly TimeLine[]
  unit: string
  fromMs: number
  toMs: number
  gaps: readonly Gap[]
  gapLabel: string
  /** A level to hold against, such as the contracted speed. */
  level?: { value: number; label: string } | undefined
  description: string
}

export interface Palette {
  ink: string
  faint: string
  line: string
  surface: string
  gap: string
  level: string
  series: readonly string[]
  font: string
}

const DAY_MS = 86_400_000
/** Below this share of the level the lines would be a smear at the bottom; the level is then left to the heading. */
const LEVEL_SHARE = 0.12

export function peakOf(lines: readonly TimeLine[]): number {
  let peak = 0
  for (const line of lines)
    for (const [, value] of line.points) if (value !== null && value > peak) peak = value
  return peak
}

/** Ends of a ratio's axis: shares of a hundred, never beyond it, in four equal steps. */
const RATIO_TOPS = [0.04, 0.2, 0.4, 1] as const

/** Where a ratio's axis ends; undefined for what is no share, and for one beyond 1, which nothing should hide. */
export function ratioTop(chart: Pick<TimeChart, 'lines' | 'unit'>): number | undefined {
  if (chart.unit !== 'ratio') return undefined
  const peak = peakOf(chart.lines)
  return RATIO_TOPS.find((top) => peak <= top)
}

export function showsLevel(chart: Pick<TimeChart, 'lines' | 'level'>): boolean {
  return chart.level !== undefined && peakOf(chart.lines) >= chart.level.value * LEVEL_SHARE
}

export function timeOption(chart: TimeChart, palette: Palette, language: Language): EChartsCoreOption {
  const spanMs = chart.toMs - chart.fromMs
  const axisLabel = (ms: number) =>
    spanMs > 2 * DAY_MS
      ? dayMonth(ms, language)
      : spanMs <= 1_200_000
        ? clock(ms, language)
        : hourMinute(ms, language)
  const level = showsLevel(chart) ? chart.level : undefined
  const top = ratioTop(chart)
  return {
    animation: false,
    aria: { enabled: true, label: { description: chart.description } },
    textStyle: { fontFamily: palette.font, color: palette.faint },
    color: [...palette.series],
    grid: {
      left: 8,
      right: 16,
      top: chart.lines.length > 2 && !chart.level ? 52 : 34,
      bottom: 4,
      outerBoundsMode: 'same',
      outerBoundsContain: 'axisLabel',
    },
    legend: {
      top: 0,
      left: 0,
      icon: 'roundRect',
      itemWidth: 14,
      itemHeight: 3,
      textStyle: { color: palette.ink, fontSize: 12 },
      inactiveColor: palette.line,
      data: chart.lines.map((line) => line.name),
    },
    tooltip: {
      trigger: 'axis',
      backgroundColor: palette.surface,
      borderColor: palette.line,
      textStyle: { color: palette.ink, fontSize: 12 },
      axisPointer: { type: 'line', lineStyle: { color: palette.faint, type: 'solid' } },
      formatter: (items: unknown) => tooltipOf(items as TooltipItem[], chart, language),
    },
    xAxis: {
      type: 'time',
      min: chart.fromMs,
      max: chart.toMs,
      axisLine: { lineStyle: { color: palette.line } },
      axisTick: { show: false },
      axisLabel: { color: palette.faint, hideOverlap: true, formatter: axisLabel },
      splitNumber: 6,
    },
    yAxis: {
      type: 'value',
      min: 0,
      max: level ? ({ max }: { max: number }) => Math.max(max, level.value * 1.08) : top,
      interval: top && top / 4,
      // A line without traffic would else read 0, 0, 0, 1, 1 bit/s up its axis.
      minInterval: chart.unit === 'bps' ? 1 : undefined,
      splitNumber: 3,
      axisLabel: {
        color: palette.faint,
        formatter: (value: number) => byUnit(chart.unit, value),
        showMaxLabel: !level,
      },
      splitLine: { lineStyle: { color: palette.line, opacity: 0.7 } },
    },
    series: chart.lines.map((line, index) => ({
      name: line.name,
      type: 'line',
      data: line.points,
      connectNulls: false,
      // A lone value between two gaps has no line to be seen by.
      showSymbol: true,
      symbol: 'circle',
      symbolSize: (_: unknown, { dataIndex }: { dataIndex: number }) =>
        isLone(line.points, dataIndex) ? 4 : 0,
      lineStyle: { width: line.dashed ? 1.3 : 1.8, type: line.dashed ? [5, 4] : 'solid' },
      itemStyle: { color: palette.series[line.colour] },
      areaStyle: line.area ? { opacity: 0.13 } : undefined,
      emphasis: { disabled: true },
      markArea: index === 0 && chart.gaps.length ? gapArea(chart, palette) : undefined,
      markLine: index === 0 && level ? levelLine(level, palette) : undefined,
    })),
  }
}

function isLone(points: readonly Point[], index: number): boolean {
  return (points[index - 1]?.[1] ?? null) === null && (points[index + 1]?.[1] ?? null) === null
}

function gapArea(chart: TimeChart, palette: Palette) {
  // Only a gap wide enough to carry the words gets them.
  const wide = (gap: Gap) => (gap.toMs - gap.fromMs) / (chart.toMs - chart.fromMs) > 0.07
  return {
    silent: true,
    itemStyle: { color: palette.gap },
    label: { color: palette.faint, position: 'inside', fontSize: 11 },
    data: chart.gaps.map((gap) => [
      { xAxis: Math.max(gap.fromMs, chart.fromMs), name: wide(gap) ? chart.gapLabel : '' },
      { xAxis: Math.min(gap.toMs, chart.toMs) },
    ]),
  }
}

function levelLine(level: { value: number; label: string }, palette: Palette) {
  return {
    silent: true,
    symbol: 'none',
    lineStyle: { color: palette.level, type: 'dashed', width: 1.2 },
    label: { formatter: level.label, position: 'insideEndTop', color: palette.level, fontSize: 11 },
    data: [{ yAxis: level.value }],
  }
}

interface TooltipItem {
  axisValue: number
  seriesName: string
  marker: string
  value: Point
}

function tooltipOf(items: TooltipItem[], chart: TimeChart, language: Language): string {
  const first = items[0]
  if (!first) return ''
  const rows = items.map(({ marker, seriesName, value }) => {
    const text = value[1] === null ? chart.gapLabel : byUnit(chart.unit, value[1])
    return `<div style="display:flex;gap:18px"><span>${marker}${seriesName}</span><b style="margin-left:auto">${text}</b></div>`
  })
  return `<div>${dateClock(first.axisValue, language)}</div>${rows.join('')}`
}
