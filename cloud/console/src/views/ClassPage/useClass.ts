// Everything the centre knows of one class: who is in it, what their devices last said, and how old that is.

import { computed } from 'vue'
import { read } from '../../api/client'
import type { TerminalSync } from '../../api/types'
import { useQuery } from '../../api/useQuery'
import { toMs } from '../../format/time'
import { useClock } from '../../live/clock'
import { type Attendance, safetyOf, seatsOf } from './seats'

/** An agent that hears devices of the class and cannot be heard itself; `reportedAt` is null when it never reported. */
export interface SilentAgent {
  agent: string
  reportedAt: string | null
}

/** When any terminal of an agent was last heard; null when none ever was. */
function newestOf(terminals: readonly TerminalSync[], agent: string): string | null {
  const times = terminals
    .filter((one) => one.agent === agent && one.seen_at)
    .map((one) => one.seen_at as string)
  return times.sort().at(-1) ?? null
}

export function useClass(id: string) {
  const { now } = useClock()

  const school = useQuery(
    async (signal) => {
      const { school_class: row, pupils } = await read('/api/v1/roster/classes/{school_class}', {
        params: { school_class: id },
        signal,
      })
      return { row, pupils }
    },
    { every: 60 },
  )
  const devices = useQuery(
    async (signal) => {
      const { items } = await read('/api/v1/sync/terminals', {
        query: { school_class: id, limit: 1000 },
        signal,
      })
      const of = [...new Set(items.map((one) => one.school))]
      const perSchool = await Promise.all(
        of.map((one) =>
          Promise.all([
            read('/api/v1/agents', { query: { school: one, limit: 1000 }, signal }),
            read('/api/v1/sync/agents', { query: { school: one, limit: 1000 }, signal }),
          ]),
        ),
      )
      const present = new Set(
        perSchool.flatMap(([agents]) =>
          agents.items.filter((one) => one.status === 'up').map((one) => one.agent),
        ),
      )
      const reported = new Map(
        perSchool.flatMap(([, reports]) => reports.items.map((one) => [one.agent, one.reported_at] as const)),
      )
      return { terminals: items, present, reported, atMs: now.value }
    },
    { every: 5 },
  )
  // The list costs nobody a look at pupils; the lesson whole, which the audit notes, is read when it has changed.
  const lessons = useQuery(
    (signal) => read('/api/v1/teaching/lessons', { query: { school_class: id }, signal }),
    { every: 5 },
  )
  const running = computed(() => lessons.data.value?.items.at(-1) ?? null)
  const version = computed(() => {
    const row = running.value
    if (!row) return ''
    const { lesson, last_at, question, answers, present, coming_late, absent, excused } = row
    return JSON.stringify([lesson, last_at, question, answers, present, coming_late, absent, excused])
  })
  const lesson = useQuery(
    async (signal) =>
      running.value
        ? await read('/api/v1/teaching/lessons/{lesson}', {
            params: { lesson: running.value.lesson },
            signal,
          })
        : null,
    { when: [version] },
  )

  const attendance = computed(
    () =>
      new Map<string, Attendance | null>(
        lesson.data.value?.attendance.map((one) => [one.person, one.state] as const),
      ),
  )
  const seats = computed(() => {
    const said = devices.data.value
    if (!said) return []
    // What was current when it was asked grows old while it cannot be asked again.
    const olderBy = Math.max(0, (now.value - said.atMs) / 1000)
    const terminals = said.terminals.map((one) => ({
      ...one,
      seen_age_seconds: one.seen_age_seconds === null ? null : one.seen_age_seconds + olderBy,
      oldest_unsent_seconds: one.oldest_unsent_seconds === null ? null : one.oldest_unsent_seconds + olderBy,
    }))
    const pupils = school.data.value?.pupils ?? []
    return seatsOf(pupils, terminals, (agent) => said.present.has(agent), attendance.value)
  })
  const silent = computed<SilentAgent[]>(() => {
    const said = devices.data.value
    if (!said) return []
    const agents = [...new Set(said.terminals.map((one) => one.agent))].sort()
    return agents
      .filter((agent) => !said.present.has(agent))
      .map((agent) => ({ agent, reportedAt: said.reported.get(agent) ?? newestOf(said.terminals, agent) }))
  })
  /** The oldest picture on the page is what counts: milliseconds, null when nothing is silent or nothing was reported. */
  const pictureAt = computed(() => {
    const times = silent.value.map((one) => toMs(one.reportedAt)).filter((ms): ms is number => ms !== null)
    return times.length ? Math.min(...times) : null
  })
  return {
    school,
    devices,
    lesson,
    /** Whether it is known which lesson is in session, if any. */
    lessonKnown: computed(() => lessons.data.value !== null),
    running,
    attendance,
    seats,
    silent,
    pictureAt,
    safety: computed(() => safetyOf(seats.value)),
  }
}
