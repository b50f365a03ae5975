// Acts on incidents.

import { pathFor, request, tokenHeaders } from './client'
import type { IncidentDetail } from './types'

export type IncidentAct =
  | { what: 'acknowledge' }
  | { what: 'assign'; assignee: string | null }
  | { what: 'comment' | 'resolve' | 'reopen'; text: string }
  | { what: 'merge'; into: number }
  | { what: 'split'; kind: string; key: string }

/** Act on an incident as it was at `version`; returns it as it is then. Raises ApiError 409 when somebody was faster. */
export async function actOn(
  id: number,
  { what, ...rest }: IncidentAct,
  actor: string,
  version: number,
  token: string,
): Promise<IncidentDetail> {
  const url = pathFor(`/api/v1/incidents/{incident_id}/${what}`, { incident_id: String(id) })
  const headers = { 'content-type': 'application/json', ...tokenHeaders(token) }
  const body = JSON.stringify({ actor, version, ...rest })
  return (await request(url, { method: 'POST', headers, body })) as IncidentDetail
}
