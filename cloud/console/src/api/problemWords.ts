// What is said of a request that failed, in the reader's words: the API itself speaks English, to programs.

import type { Messages } from '../messages'
import { ApiError } from './client'

export interface ProblemWords {
  title: string
  /** What the API said, where we have no better words for it. */
  detail: string
  hint: string
}

/** `absent` is for what is looked for elsewhere than in the inventory. */
export function problemWords(
  error: unknown,
  { state }: Messages,
  absent: readonly [title: string, hint: string] = [state.absentTitle, state.absentHint],
): ProblemWords {
  if (!(error instanceof ApiError) || !error.reached) {
    return { title: state.errorTitle, detail: '', hint: state.networkHint }
  }
  if (error.status === 404) return { title: absent[0], detail: '', hint: absent[1] }
  const known = state.problems[error.problem]
  if (!known) return { title: state.errorTitle, detail: error.message, hint: error.hint ?? state.networkHint }
  const number = error.problem === 'unexpected' ? /\b[0-9a-f]{8}\b/.exec(error.message)?.[0] : undefined
  return { title: known[0], detail: number ? state.problemNumber(number) : '', hint: known[1] }
}
