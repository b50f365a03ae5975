// The words of a seat's five facts and of a class.

import type { ClassRow, TaughtLessonRow } from '../../api/types'
import { ago, hourMinute, type Language } from '../../format/time'
import { bytes, count, percent } from '../../format/units'
import type { Messages } from '../../messages'
import { comparedOf, type Mark, type Seat } from './seats'

export interface SeatFact {
  name: 'reachable' | 'content' | 'work' | 'software' | 'power'
  mark: Mark
  text: string
}

export function className(row: Pick<ClassRow, 'title' | 'title_en'>, language: Language): string {
  return (language === 'en' && row.title_en) || row.title
}

export function lessonText(lesson: TaughtLessonRow, { classes: t }: Messages, language: Language): string {
  const parts = [
    lesson.topic || t.noTopic,
    lesson.period === null ? t.openedHere : t.period(count(lesson.period)),
    lesson.ends_at ? t.untilClock(hourMinute(lesson.ends_at, language)) : '',
    lesson.exam ? t.exam : '',
  ]
  return parts.filter(Boolean).join(' · ')
}

/** The five facts of a seat. Ages are those of the picture: whoever is silent is never said to be well now. */
export function factsOf(seat: Seat, messages: Messages, nowMs: number, language: Language): SeatFact[] {
  const t = messages.classes
  const age = (at: string | null | undefined) => ago(at, nowMs, language)
  return [
    { name: 'reachable', mark: seat.reachable, text: reachableText(seat, t, age) },
    { name: 'content', mark: seat.content, text: contentText(seat, t) },
    { name: 'work', mark: seat.work, text: workText(seat, t, age) },
    { name: 'software', mark: seat.software, text: softwareText(seat, t) },
    { name: 'power', mark: seat.power, text: powerText(seat, t) },
  ]
}

type Words = Messages['classes']
type Age = (at: string | null | undefined) => string

function reachableText({ said, reachable }: Seat, t: Words, age: Age): string {
  if (!said?.seen_at) return t.never
  if (reachable === 'good') return t.seen(age(said.seen_at))
  return reachable === 'bad'
    ? t.silentSince(age(said.seen_at))
    : [t.unknown, t.lastSeen(age(said.seen_at))].join(t.between)
}

function contentText({ said, content }: Seat, t: Words): string {
  if (content === 'unasked') return t.unasked
  if (content === 'good') return t.complete
  if (said?.missing_bytes) return t.missing(bytes(said.missing_bytes))
  return content === 'unknown' ? t.unknown : t.missingSome
}

function workText({ said, work }: Seat, t: Words, age: Age): string {
  if (!said || said.unsent === null) return t.unknown
  if (said.unsent === 0) return work === 'good' ? t.nothingUnsent : t.nothingUnsentThen
  const n = count(said.unsent)
  return said.oldest_unsent_at ? t.unsentSince(n, age(said.oldest_unsent_at)) : t.unsent(n)
}

function softwareText({ said, software }: Seat, t: Words): string {
  if (!said) return t.unknown
  if (software === 'unasked') return t.unasked
  const app = comparedOf(said.app)
  const parts = [
    app === 'attention' ? t.wrongVersion(said.app.reported ?? t.unknown, said.app.desired ?? '') : '',
    app === 'good' ? t.rightVersion(said.app.reported ?? '') : '',
    comparedOf(said.configuration) === 'attention' ? t.settingsWrong : '',
    comparedOf(said.roster) === 'attention' ? t.rosterWrong : '',
    software === 'unknown' ? t.partlyUnknown : '',
  ].filter(Boolean)
  return parts.length ? parts.join(t.between) : t.asWanted
}

function powerText({ said }: Seat, t: Words): string {
  const parts = [
    said && said.battery_ratio !== null ? t.battery(percent(said.battery_ratio)) : '',
    said && said.storage_free_bytes !== null ? t.free(bytes(said.storage_free_bytes)) : '',
  ].filter(Boolean)
  return parts.length ? parts.join(t.between) : t.unknown
}
