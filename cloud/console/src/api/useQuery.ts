// One document on a page: load it, keep it while it is renewed, say when it stopped being renewed.

import {
  computed,
  onScopeDispose,
  type Ref,
  ref,
  type ShallowRef,
  shallowRef,
  toValue,
  type WatchSource,
  watch,
} from 'vue'
import { useClock } from '../live/clock'

export interface Query<T> {
  data: ShallowRef<T | null>
  error: Readonly<ShallowRef<unknown>>
  loading: Readonly<Ref<boolean>>
  /** Server time of the last answer, milliseconds. */
  receivedAt: Readonly<Ref<number | null>>
  /** There is something to show, but the last attempt to renew it failed. */
  stale: Readonly<Ref<boolean>>
  reload(): Promise<void>
}

interface QueryOptions {
  /** Seconds between renewals; null or 0 for never. */
  every?: number | null | Ref<number | null>
  /** Load anew when one of these changes; what is shown stays until the new answer is there. */
  when?: WatchSource[]
}

export function useQuery<T>(load: (signal: AbortSignal) => Promise<T>, options: QueryOptions = {}): Query<T> {
  const { real } = useClock()
  const data = shallowRef<T | null>(null)
  const error = shallowRef<unknown>(null)
  const loading = ref(false)
  const receivedAt = ref<number | null>(null)
  let running: AbortController | null = null
  let timer = 0

  async function reload(): Promise<void> {
    running?.abort()
    window.clearTimeout(timer)
    const mine = new AbortController()
    running = mine
    loading.value = true
    try {
      const answer = await load(mine.signal)
      if (mine.signal.aborted) return
      data.value = answer
      error.value = null
      receivedAt.value = real.value
    } catch (failure) {
      if (mine.signal.aborted) return
      error.value = failure
    }
    loading.value = false
    plan()
  }

  function plan(): void {
    window.clearTimeout(timer)
    const seconds = toValue(options.every)
    if (seconds) timer = window.setTimeout(onTimer, seconds * 1000)
  }

  function onTimer(): void {
    // Nobody looks at a hidden tab: it renews when it is shown again.
    if (document.hidden) plan()
    else void reload()
  }

  if (options.when?.length) watch(options.when, () => void reload())
  watch(() => toValue(options.every), plan)
  onScopeDispose(() => {
    running?.abort()
    window.clearTimeout(timer)
  })
  void reload()

  const stale = computed(() => error.value !== null && data.value !== null)
  return { data, error, loading, receivedAt, stale, reload }
}
