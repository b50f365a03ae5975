// Asking the cloud: typed by the generated schema, every failure as one error with what happened and what to do.

import type { paths } from './schema'
import type { FieldProblem, Problem, ReplayReport } from './types'

type JsonOf<Operation> = Operation extends {
  responses: { 200: { content: { 'application/json': infer Body } } }
}
  ? Body
  : never

/** Paths that can be read as JSON. */
export type ReadPath = {
  [Path in keyof paths]: paths[Path] extends { get: infer Operation }
    ? JsonOf<Operation> extends never
      ? never
      : Path
    : never
}[keyof paths]

type Operation<Path extends ReadPath> = paths[Path] extends { get: infer Found } ? Found : never
export type Answer<Path extends ReadPath> = JsonOf<Operation<Path>>
type QueryOf<Path extends ReadPath> =
  Operation<Path> extends { parameters: { query?: infer Query } } ? NonNullable<Query> : never

interface ReadOptions<Path extends ReadPath> {
  params?: Record<string, string>
  query?: QueryOf<Path>
  signal?: AbortSignal
}

/** A request that did not bring what was asked. `hint` is null when the cloud was not reached at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint: string | null,
    /** Last word of the problem's type, such as `database-away`; '' when the answer was no problem document. */
    readonly problem = '',
    /** Inputs that were wrong, when the answer names them. */
    readonly inputs: readonly FieldProblem[] = [],
  ) {
    super(message)
  }

  get reached(): boolean {
    return this.status !== 0
  }
}

const TIMEOUT_MS = 15_000

export function pathFor(path: string, params: Record<string, string> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
}

export function queryFor(query: object = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== '') search.append(name, String(one))
    }
  }
  const text = search.toString()
  return text ? `?${text}` : ''
}

/** Ask and return the answer's JSON, null when it has none. Raises ApiError, or AbortError when the given signal fires. */
export async function request(url: string, init: RequestInit, timeoutMs = TIMEOUT_MS): Promise<unknown> {
  let response: Response
  try {
    const limit = AbortSignal.timeout(timeoutMs)
    const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit
    response = await fetch(url, { ...init, signal })
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new ApiError(0, error instanceof Error ? error.message : String(error), null)
  }
  if (response.ok) return response.status === 204 ? null : response.json()
  throw await problemOf(response)
}

async function problemOf(response: Response): Promise<ApiError> {
  // A proxy in between may answer with a page instead of a problem document.
  const problem = (await response.json().catch(() => null)) as Partial<Problem> | null
  const message = problem?.detail ?? problem?.title ?? `HTTP ${response.status} ${response.statusText}`.trim()
  const name = problem?.type?.replace(/^.*:/, '') ?? ''
  return new ApiError(response.status, message, problem?.hint ?? null, name, problem?.errors ?? [])
}

/** Read a document. Raises ApiError, or AbortError when `signal` fires. */
export async function read<Path extends ReadPath>(
  path: Path,
  options: ReadOptions<Path> = {},
): Promise<Answer<Path>> {
  const url = pathFor(path, options.params) + queryFor(options.query)
  const headers = { accept: 'application/json' }
  return (await request(url, { headers, signal: options.signal ?? null })) as Answer<Path>
}

/** The header of routes that change something, when the operator has given the token. */
export function tokenHeaders(token: string): Record<string, string> {
  return token ? { 'X-Bellwether-Token': token } : {}
}

/** Try quarantined segments again: one by its number, or all of a reason. */
export async function replay(
  what: { id: number } | { reason: string },
  token: string,
): Promise<ReplayReport> {
  const url =
    'id' in what
      ? pathFor('/api/v1/quarantine/{id}/replay', { id: String(what.id) })
      : `/api/v1/quarantine/replay${queryFor({ reason: what.reason })}`
  return (await request(url, { method: 'POST', headers: tokenHeaders(token) })) as ReplayReport
}
