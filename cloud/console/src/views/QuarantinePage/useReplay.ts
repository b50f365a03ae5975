// A replay from the console: one request, its outcome, and the operator's token when the cloud asks for one.

import { computed, type Ref, ref, shallowRef } from 'vue'
import { ApiError, replay } from '../../api/client'
import { problemWords } from '../../api/problemWords'
import type { ReplayReport } from '../../api/types'
import { useMessages } from '../../messages'

export function useReplay(what: { id: number } | { reason: string }, token: Ref<string>) {
  const t = useMessages()
  const running = ref(false)
  const report = shallowRef<ReplayReport | null>(null)
  const error = shallowRef<unknown>(null)

  /** Returns whether the cloud did it. */
  async function run(): Promise<boolean> {
    if (running.value) return false
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
    const { title, detail, hint } = problemWords(error.value, t.value, t.value.quarantine.gone)
    return [title, detail, hint].filter(Boolean).join(' · ')
  })
  return { running, report, needsToken, message, run }
}
