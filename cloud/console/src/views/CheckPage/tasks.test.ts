import { expect, test } from 'vitest'
import type { CheckReport } from '../../api/types'
import { tasksOf } from './tasks'

const room = (
  key: string,
  first: string | null,
  ...whats: CheckReport['schools'][number]['faults'][number]['what'][]
) => ({
  classroom: key,
  name: key,
  name_en: key,
  ready: !whats.length,
  faults: whats.map((what) => ({ what, number: null, thing: null })),
  at_check: null,
  first_lesson_at: first,
})

test('a cut line is one task, the rooms behind it are none, and the earliest lesson stands first', () => {
  const school = (key: string, rooms: ReturnType<typeof room>[], line: boolean) => ({
    school: key,
    name: key,
    name_en: key,
    faults: line ? [{ what: 'line' as const, number: null, thing: `${key}-wan` }] : [],
    rooms,
  })
  const tasks = tasksOf({
    schools: [
      school('s01', [room('a', null, 'room'), room('b', '2026-11-27T01:00:00Z', 'battery')], false),
      school('s02', [room('c', '2026-11-27T00:10:00Z', 'line'), room('d', null, 'line')], true),
    ],
  })
  expect(tasks.map((task) => [task.school.school, task.room?.classroom ?? null, task.fault.what])).toEqual([
    ['s02', null, 'line'],
    ['s01', 'b', 'battery'],
    ['s01', 'a', 'room'],
  ])
})
