// An event's attributes as the sentences of the message files read them: formatted, and '' for what the agent did not send.

import { type Language, span } from '../format/time'
import { bps, bytes, count, percent, skew } from '../format/units'

type Attributes = Readonly<Record<string, unknown>>

export interface EventFacts {
  text(name: string): string
  /** A code of ours in the reader's words; anything else as it came. */
  word(name: string): string
  count(name: string): string
  bytes(name: string): string
  percent(name: string): string
  speed(name: string): string
  span(name: string): string
  step(name: string): string
  /** null when the agent did not know. */
  is(name: string): boolean | null
  number(name: string): number | null
  /** Why, in the reader's words where there are some. */
  why: string
}

/** `reasons` has the words for what agents give as `reason`; what it does not know stays as the agent said it. */
export function eventFacts(
  attributes: Attributes,
  language: Language,
  reasons: Readonly<Record<string, string>>,
): EventFacts {
  const number = (name: string) => {
    const value = attributes[name]
    return typeof value === 'number' && Number.isFinite(value) ? value : null
  }
  const text = (name: string) => {
    const value = attributes[name]
    return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  }
  const shown = (format: (value: number) => string) => (name: string) => {
    const value = number(name)
    return value === null ? '' : format(value)
  }
  return {
    text,
    word: (name) => reasonIn(text(name), reasons),
    number,
    count: shown(count),
    bytes: shown(bytes),
    percent: shown((value) => percent(Math.abs(value))),
    speed: shown(bps),
    span: shown((value) => span(value, language)),
    step: shown(skew),
    is(name) {
      const value = attributes[name]
      return typeof value === 'boolean' ? value : null
    },
    why: reasonIn(text('reason'), reasons),
  }
}

/** A reason is a word of ours, or one of them before a colon or a bracket: `no answer (raw socket)`. */
function reasonIn(reason: string, reasons: Readonly<Record<string, string>>): string {
  const known = reasons[reason]
  if (known !== undefined) return known
  const parted = /^([^:(]+?)(: | \()(.*)$/.exec(reason)
  const head = parted?.[1] === undefined ? undefined : reasons[parted[1]]
  return head === undefined ? reason : `${head}${parted?.[2]}${parted?.[3]}`
}

/** `value` with what goes around it, or nothing at all when there is no value. */
export function given(value: string, before: string, after = ''): string {
  return value && `${before}${value}${after}`
}
