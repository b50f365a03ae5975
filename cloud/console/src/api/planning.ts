// Planned work, and a try of a contact.

import { pathFor, request, tokenHeaders } from './client'
import type { Trial, WindowOrder, WindowRow } from './types'

/** Plan work. Raises ApiError 422 with the fields that are wrong. */
export async function planWindow(order: WindowOrder, token: string): Promise<WindowRow> {
  const headers = { 'content-type': 'application/json', ...tokenHeaders(token) }
  const body = JSON.stringify(order)
  return (await request('/api/v1/maintenance', { method: 'POST', headers, body })) as WindowRow
}

/** End a window now and for ever. */
export async function endWindow(id: number, token: string): Promise<WindowRow> {
  const url = pathFor('/api/v1/maintenance/{id}/end', { id: String(id) })
  return (await request(url, { method: 'POST', headers: tokenHeaders(token) })) as WindowRow
}

const TRIAL_MS = 60_000

/** Send a contact a message that says it is a test; its channels may take their time. */
export async function tryContact(contact: string, token: string): Promise<Trial> {
  const url = pathFor('/api/v1/notifications/contacts/{contact}/test', { contact })
  return (await request(url, { method: 'POST', headers: tokenHeaders(token) }, TRIAL_MS)) as Trial
}
