// One change at the centre: whether it runs, what went wrong in words, and whether the operator's token is wanted.

import { computed, ref, shallowRef } from 'vue'
import { ApiError } from '../api/client'
import { problemWords } from '../api/problemWords'
import { useMessages } from '../messages'

export function useAct<T>(act: () => Promise<T>, absent?: () => readonly [title: string, hint: string]) {
  const t = useMessages()
  const running = ref(false)
  const error = shallowRef<unknown>(null)

  /** Returns what came of it, or null when it failed or one is running. */
  async function run(): Promise<T | null> {
    if (running.value) return null
    running.value = true
    error.value = null
    try {
      return await act()
    } catch (failure) {
      error.value = failure
      return null
    } finally {
      running.value = false
    }
  }

  const needsToken = computed(() => error.value instanceof ApiError && error.value.status === 401)
  const message = computed(() => {
    if (!error.value || needsToken.value) return ''
    const { title, detail, hint } = problemWords(error.value, t.value, absent?.())
    return [title, detail, hint].filter(Boolean).join(' · ')
  })
  return { running, needsToken, message, error, run }
}
