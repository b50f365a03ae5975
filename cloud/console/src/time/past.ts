// The moment that the console looks at: the address holds it (`?at=`), every page that follows the clock shows it, and
// the live stream is not heard meanwhile. Replay moves it on, a step each second.

import { computed, type InjectionKey, inject, type Ref, ref, watchEffect } from 'vue'
import type { Router } from 'vue-router'
import type { Clock } from '../live/clock'
import { kept, momentOf, type Speed, textOf } from './moments'

const TICK_MS = 1000

export interface Past {
  /** The chosen moment, milliseconds; null while live. */
  at: Readonly<Ref<number | null>>
  /** Whether the page in sight can show a moment; others show now and say so. */
  follows: Readonly<Ref<boolean>>
  /** The moment as the API takes it when the page in sight shows it; null when it shows now. */
  shown: Readonly<Ref<string | null>>
  /** Whether the scrubber is in sight. */
  open: Ref<boolean>
  /** How many seconds of the past pass in one; null while it stands still. */
  speed: Readonly<Ref<Speed | null>>
  /** Look at a moment; null, now or later returns to live. */
  choose(ms: number | null): void
  /** Let the past pass, or stand still. */
  replay(speed: Speed | null): void
}

const KEY: InjectionKey<Past> = Symbol('past')

export function createPast(router: Router, clock: Clock) {
  const open = ref(false)
  const speed = ref<Speed | null>(null)
  const at = computed(() => momentOf(router.currentRoute.value.query.at))
  const follows = computed(() => router.currentRoute.value.meta.follows === true)
  const shown = computed(() => (at.value !== null && follows.value ? textOf(at.value) : null))

  // A link inside the console keeps the clock; only the same page may drop it.
  router.beforeEach((to, from) => {
    const carried = from.query.at
    if (to.path === from.path || !carried || to.query.at !== undefined) return true
    return { ...to, query: { ...to.query, at: carried } }
  })

  watchEffect(() => clock.setMoment(follows.value ? at.value : null))

  function choose(ms: number | null): void {
    const moment = ms === null ? null : kept(ms, clock.real.value)
    if (moment === null) speed.value = null
    const { at: _, ...rest } = router.currentRoute.value.query
    void router.replace({ query: moment === null ? rest : { ...rest, at: textOf(moment) } })
  }

  function replay(chosen: Speed | null): void {
    speed.value = chosen
  }

  window.setInterval(() => {
    if (speed.value !== null && at.value !== null) choose(at.value + speed.value * TICK_MS)
  }, TICK_MS)

  const past: Past = { at, follows, shown, open, speed, choose, replay }
  return { key: KEY, past }
}

export function usePast(): Past {
  const past = inject(KEY)
  if (!past) throw new Error('usePast outside the app')
  return past
}
