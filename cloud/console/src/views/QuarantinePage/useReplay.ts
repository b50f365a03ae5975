// A replay from the console: one request, its outcome, and the operator's token when the cloud asks for one.

import { computed, type Ref, ref, shallowRef } from 'vue'
import { ApiError, replay } from '../../api/client'
import type { ReplayReport } from '../../api/types'

export function useReplay(what: { id: number } | { reason: string }, token: Ref<string>) {
  const running = ref(false)
  const report = shallowRef<ReplayReport | null>(null)
  const error = shallowRef<unknown>(null)

  /** Returns whether the cloud did it. */
  async function run(): Promise<boolean> {
    running.value = true
    error.value = null
    try {
      report.value = await replay(what, token.value)
      return true
    } catch (failure) {
      error.value = failure
      return false
    } finally {
      running.value = false
    }
  }

  const needsToken = computed(() => error.value instanceof ApiError && error.value.status === 401)
  const message = computed(() => {
    if (!error.value || needsToken.value) return ''
    return error.value instanceof Error ? error.value.message : String(error.value)
  })
  return { running, report, needsToken, message, run }
}
