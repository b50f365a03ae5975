import type { Messages } from '../../messages'

const KINDS = ['router', 'switch', 'ap', 'core', 'other'] as const

export function kindWord(kind: string, t: Messages): string {
  return t.school.kinds[KINDS.find((known) => known === kind) ?? 'other']
}

export function answerWord(reachable: boolean | null | undefined, t: Messages): string {
  if (reachable === true) return t.school.reachable
  return reachable === false ? t.school.notReachable : t.school.neverPolled
}
