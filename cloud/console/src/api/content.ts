// What the console changes of content: blobs go up in ranges, pushes are made and withdrawn.

import { pathFor, queryFor, request, tokenHeaders } from './client'
import type { Missing, NewPush, PushDetail } from './types'

interface Range {
  first: number
  /** Exclusive. */
  end: number
  total: number
  type: string
}

export async function missingOfBlob(
  sha256: string,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<Missing> {
  const path = pathFor('/api/v1/content/blobs/{sha256}/missing', { sha256 })
  return (await request(path + queryFor({ size_bytes: sizeBytes }), { signal })) as Missing
}

export async function putRange(
  sha256: string,
  body: Blob,
  range: Range,
  token: string,
  signal: AbortSignal,
): Promise<Missing> {
  const headers: Record<string, string> = {
    ...tokenHeaders(token),
    'Content-Type': range.type || 'application/octet-stream',
  }
  if (range.total > 0) headers['Content-Range'] = `bytes ${range.first}-${range.end - 1}/${range.total}`
  const path = pathFor('/api/v1/content/blobs/{sha256}', { sha256 })
  return (await request(path, { method: 'PUT', body, headers, signal }, UPLOAD_TIMEOUT_MS)) as Missing
}

export async function createPush(push: NewPush, token: string): Promise<PushDetail> {
  const headers = { ...tokenHeaders(token), 'Content-Type': 'application/json' }
  const body = JSON.stringify(push)
  return (await request('/api/v1/content/manifests', { method: 'POST', body, headers })) as PushDetail
}

export async function withdrawPush(manifest: string, token: string): Promise<PushDetail> {
  const path = pathFor('/api/v1/content/manifests/{manifest}', { manifest })
  return (await request(path, { method: 'DELETE', headers: tokenHeaders(token) })) as PushDetail
}

const UPLOAD_TIMEOUT_MS = 120_000
