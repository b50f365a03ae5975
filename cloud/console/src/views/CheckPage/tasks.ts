// The technician's list: what is at fault for a whole school once, then room by room, the earliest lesson first.

import type { CheckReport } from '../../api/types'

type School = CheckReport['schools'][number]
type Room = School['rooms'][number]

export interface Task {
  school: School
  room: Room | null
  fault: Room['faults'][number]
  firstAt: string | null
}

const WIDE = new Set(['line', 'gateway'])

export function tasksOf(report: Pick<CheckReport, 'schools'>): Task[] {
  const tasks = report.schools.flatMap((school) => {
    const firsts = school.rooms.flatMap((room) => (room.first_lesson_at ? [room.first_lesson_at] : [])).sort()
    const wide = school.faults.map((fault) => ({ school, room: null, fault, firstAt: firsts[0] ?? null }))
    const narrow = school.rooms.flatMap((room) =>
      room.faults
        .filter((fault) => !WIDE.has(fault.what))
        .map((fault) => ({ school, room, fault, firstAt: room.first_lesson_at ?? null })),
    )
    return [...wide, ...narrow]
  })
  const late = '9999'
  return tasks.sort((a, b) => (a.firstAt ?? late).localeCompare(b.firstAt ?? late))
}
