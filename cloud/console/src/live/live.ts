// The live picture: one event stream for the whole console. While the stream is away the overview is asked for every
// five seconds; when that fails too, what is shown stays, greys out and says how old it is.

import { type InjectionKey, inject, onScopeDispose, type Ref, ref, shallowRef } from 'vue'
import { read } from '../api/client'
import type { AgentEvent, IncidentEvent, LinkEvent, Overview, PingEvent } from '../api/types'
import { toMs } from '../format/time'
import type { Clock } from './clock'
import { backoffMs, type Connection, connectionOf, OPENING_MS, POLL_MS, SILENT_MS } from './connection'

interface LiveEvents {
  overview: Overview
  link: LinkEvent
  agent: AgentEvent
  incident: IncidentEvent
  ping: PingEvent
}

export interface Live {
  overview: Readonly<Ref<Overview | null>>
  connection: Readonly<Ref<Connection>>
  /** Server time of the newest overview, milliseconds. */
  heardAt: Readonly<Ref<number | null>>
  error: Readonly<Ref<unknown>>
  start(): void
  reload(): Promise<void>
  /** Hear a kind of message until the calling component goes away. */
  on<Name extends keyof LiveEvents>(name: Name, listener: (event: LiveEvents[Name]) => void): void
}

const KEY: InjectionKey<Live> = Symbol('live')
const STREAM_URL = '/api/v1/stream'

/** `held` says that a moment of the past is shown: what the stream says meanwhile reaches no page. */
export function createLive(clock: Clock, held: () => boolean) {
  const overview = shallowRef<Overview | null>(null)
  const connection = ref<Connection>('connecting')
  const heardAt = ref<number | null>(null)
  const error = shallowRef<unknown>(null)
  const listeners = new Map<keyof LiveEvents, Set<(event: never) => void>>()

  let source: EventSource | null = null
  let streamHeardMs: number | null = null
  let polledMs: number | null = null
  let databaseAway = false
  let failures = 0
  let openedMs = 0
  let reopenAtMs = 0
  let polling = false

  function take(name: keyof LiveEvents, event: LiveEvents[keyof LiveEvents]): void {
    const at = toMs(event.at)
    if (at !== null) clock.setServerTime(at)
    if (name === 'overview') {
      // An answer to a question may arrive after a newer message of the stream.
      if (at !== null && heardAt.value !== null && at < heardAt.value) return
      overview.value = event as Overview
      heardAt.value = at
      error.value = null
      databaseAway = false
    }
    if (name === 'ping') {
      databaseAway = !(event as PingEvent).database
      // A quiet district is not a stale one: the cloud says with each ping that its picture holds.
      if (!databaseAway && overview.value) heardAt.value = at
    }
    if (held()) return
    for (const listener of listeners.get(name) ?? []) listener(event as never)
  }

  function open(): void {
    source?.close()
    source = new EventSource(STREAM_URL)
    streamHeardMs = null
    openedMs = Date.now()
    for (const name of ['overview', 'link', 'agent', 'incident', 'ping'] as const) {
      source.addEventListener(name, (message: MessageEvent<string>) => {
        streamHeardMs = Date.now()
        failures = 0
        take(name, JSON.parse(message.data))
        judge()
      })
    }
    // The browser gives up for good on an HTTP error; so we always reopen ourselves, with back-off.
    source.onerror = fail
  }

  function fail(): void {
    source?.close()
    source = null
    streamHeardMs = null
    failures += 1
    reopenAtMs = Date.now() + backoffMs(failures, Math.random())
    judge()
  }

  async function poll(): Promise<void> {
    if (polling) return
    polling = true
    try {
      take('overview', await read('/api/v1/overview'))
      polledMs = Date.now()
    } catch (failure) {
      error.value = failure
    } finally {
      polling = false
      judge()
    }
  }

  function judge(): void {
    connection.value = connectionOf({ nowMs: Date.now(), streamHeardMs, polledMs, databaseAway, failures })
  }

  function tick(): void {
    judge()
    if (connection.value === 'live') return
    const now = Date.now()
    const silentSince = streamHeardMs === null ? openedMs + OPENING_MS : streamHeardMs + SILENT_MS
    if (source && now >= silentSince) fail()
    else if (!source && now >= reopenAtMs) open()
    if (failures > 0 && (polledMs === null || now - polledMs >= POLL_MS)) void poll()
  }

  const live: Live = {
    overview,
    connection,
    heardAt,
    error,
    start() {
      // The stream's first picture may take a second on a busy cloud; the question is answered from its cache.
      void poll()
      open()
      window.setInterval(tick, 1000)
    },
    reload: poll,
    on(name, listener) {
      const set = listeners.get(name) ?? new Set()
      listeners.set(name, set)
      set.add(listener as (event: never) => void)
      onScopeDispose(() => set.delete(listener as (event: never) => void))
    },
  }
  return { key: KEY, live }
}

export function useLive(): Live {
  const live = inject(KEY)
  if (!live) throw new Error('useLive outside the app')
  return live
}
