// One ticking clock for every age on the screen, set to the server's time: a laptop with a wrong clock must not show
// fresh data as stale, nor stale data as fresh.

import { type InjectionKey, inject, type Ref, ref } from 'vue'

export interface Clock {
  /** Now by the server's clock, milliseconds, renewed every second. */
  now: Readonly<Ref<number>>
  /** Take the server's time from an answer that has just arrived. */
  setServerTime(ms: number): void
}

const KEY: InjectionKey<Clock> = Symbol('clock')

export function createClock() {
  const now = ref(Date.now())
  let offset = 0
  const tick = () => {
    now.value = Date.now() + offset
  }
  window.setInterval(tick, 1000)
  const clock: Clock = {
    now,
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
