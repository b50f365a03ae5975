// Every figure on a screen is formatted here: base units in, words out. What was not measured is an en dash, never 0.

export const MISSING = '–'

type Maybe = number | null | undefined

const BPS_STEPS = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'] as const
const BYTE_STEPS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

export interface Figure {
  value: string
  unit: string
}

/** Three significant digits at most, no exponent, no trailing zeros: 0.25, 9.87, 98.7, 987. */
function significant(value: number): string {
  const size = Math.abs(value)
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2
  return String(Number(value.toFixed(digits)))
}

function scaled(value: number, steps: readonly string[]): Figure {
  let size = Math.abs(value)
  let step = 0
  while (size >= 999.5 && step < steps.length - 1) {
    size /= 1000
    step += 1
  }
  const shown = step === 0 ? String(Math.round(size)) : significant(size)
  return { value: value < 0 ? `-${shown}` : shown, unit: steps[step] ?? '' }
}

function joined(figure: Figure): string {
  return figure.unit ? `${figure.value} ${figure.unit}` : figure.value
}

function absent(value: Maybe): value is null | undefined {
  return value === null || value === undefined || Number.isNaN(value)
}

export function bpsFigure(value: Maybe): Figure {
  return absent(value) ? { value: MISSING, unit: '' } : scaled(value, BPS_STEPS)
}

export function bps(value: Maybe): string {
  return joined(bpsFigure(value))
}

export function bytesFigure(value: Maybe): Figure {
  return absent(value) ? { value: MISSING, unit: '' } : scaled(value, BYTE_STEPS)
}

export function bytes(value: Maybe): string {
  return joined(bytesFigure(value))
}

/** A latency or jitter: µs, ms or s. */
export function latency(value: Maybe): string {
  if (absent(value)) return MISSING
  if (value === 0) return '0 ms'
  if (Math.abs(value) < 0.001) return `${Math.round(value * 1e6)} µs`
  if (Math.abs(value) < 1) return `${significant(value * 1000)} ms`
  return `${significant(value)} s`
}

/** A ratio of 0 to 1 as per cent; a small but real share never reads as 0 %. */
export function percent(value: Maybe): string {
  if (absent(value)) return MISSING
  const share = value * 100
  if (share > 0 && share < 0.01) return '<0.01%'
  if (share > 99.99 && share < 100) return '>99.99%'
  return `${significant(share)}%`
}

export function count(value: Maybe): string {
  return absent(value) ? MISSING : Math.round(value).toLocaleString('en-US')
}

/** Events per second: errors, discards, segments, rows. */
export function perSecond(value: Maybe): string {
  if (absent(value)) return MISSING
  return `${value >= 1000 ? count(value) : significant(value)}/s`
}

/** A clock difference with its sign. */
export function skew(value: Maybe): string {
  if (absent(value)) return MISSING
  return `${value > 0 ? '+' : value < 0 ? '−' : '±'}${latency(Math.abs(value))}`
}

/** Format a value of a metric by the unit the API gives with it. */
export function byUnit(unit: string, value: Maybe): string {
  switch (unit) {
    case 'bps':
      return bps(value)
    case 'ratio':
      return percent(value)
    case 'seconds':
      return latency(value)
    case 'bytes':
      return bytes(value)
    case 'per_second':
      return perSecond(value)
    default:
      return absent(value) ? MISSING : significant(value)
  }
}
