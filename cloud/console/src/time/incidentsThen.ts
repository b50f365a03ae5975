// An incident of a moment in the shape of the list. What is only known of now (minutes so far, versions) is nought there,
// and the list of a moment does not show it.

import type { IncidentRow, IncidentThen } from '../api/types'

export function rowOf(then: IncidentThen): IncidentRow {
  return {
    ...then,
    state: 'open',
    resolved_at: null,
    merged_into: null,
    version: 1,
    saved_now: 0,
    lost_minutes: 0,
    saved_minutes: 0,
    unknown_minutes: 0,
    at_risk_minutes: 0,
    lessons_hit: 0,
    students_hit: 0,
  }
}
