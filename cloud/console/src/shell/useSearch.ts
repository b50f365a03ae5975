// Asks the centre for what is typed, once the typing rests; an answer to an earlier text never overtakes.

import { onScopeDispose, type Ref, ref, shallowRef, watch } from 'vue'
import { type Answer, read } from '../api/client'

const REST_MS = 120
const SHOWN = 20

export function useSearch(text: Ref<string>) {
  const answer = shallowRef<Answer<'/api/v1/search'> | null>(null)
  const error = shallowRef<unknown>(null)
  const searching = ref(false)
  let running: AbortController | null = null
  let timer = 0

  async function ask(q: string, signal: AbortSignal): Promise<void> {
    try {
      const found = await read('/api/v1/search', { query: { q, limit: SHOWN }, signal })
      if (signal.aborted) return
      answer.value = found
      error.value = null
    } catch (failure) {
      if (signal.aborted) return
      error.value = failure
    }
    searching.value = false
  }

  watch(text, (typed) => {
    running?.abort()
    window.clearTimeout(timer)
    const q = typed.trim()
    if (!q) {
      answer.value = null
      searching.value = false
      return
    }
    const mine = new AbortController()
    running = mine
    searching.value = true
    timer = window.setTimeout(() => void ask(q, mine.signal), REST_MS)
  })
  onScopeDispose(() => {
    running?.abort()
    window.clearTimeout(timer)
  })
  return { answer, error, searching }
}
