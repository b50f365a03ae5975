// One ticking clock for every age on the screen, set to the server's time: a laptop with a wrong clock must not show
// fresh data as stale, nor stale data as fresh.

import { computed, type InjectionKey, inject, type Ref, ref } from 'vue'

export interface Clock {
  /** The moment that the page shows: now by the server's clock, renewed every second, or the chosen one of the past. */
  now: Readonly<Ref<number>>
  /** Now by the server's clock, whatever moment is shown. */
  real: Readonly<Ref<number>>
  /** Show a moment of the past; null shows now. */
  setMoment(ms: number | null): void
  /** Take the server's time from an answer that has just arrived. */
  setServerTime(ms: number): void
}

const KEY: InjectionKey<Clock> = Symbol('clock')

export function createClock() {
  const real = ref(Date.now())
  const moment = ref<number | null>(null)
  const now = computed(() => moment.value ?? real.value)
  let offset = 0
  const tick = () => {
    real.value = Date.now() + offset
  }
  window.setInterval(tick, 1000)
  const clock: Clock = {
    now,
    real,
    setMoment(ms) {
      moment.value = ms
    },
    setServerTime(ms) {
      offset = ms - Date.now()
      tick()
    },
  }
  return { key: KEY, clock }
}

export function useClock(): Clock {
  const clock = inject(KEY)
  if (!clock) throw new Error('useClock outside the app')
  return clock
}
