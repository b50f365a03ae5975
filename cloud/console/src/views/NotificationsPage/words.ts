// Who is meant, and what went wrong with a delivery, in words.

import type { DeliveryRow } from '../../api/types'
import type { Messages } from '../../messages'

export function whoText(who: readonly string[], t: Messages): string {
  return who
    .map((one) => (one.startsWith('rota:') ? t.notifications.rota(one.slice('rota:'.length)) : one))
    .join(t.notifications.and)
}

/** `page 2`, `over`, `digest 2026-11-27 07:00`. */
export function stepText(step: string, t: Messages): string {
  const [what = '', ...rest] = step.split(' ')
  if (what === 'page') return t.notifications.page(rest.join(' '))
  return what === 'over' ? t.notifications.over : what === 'digest' ? t.notifications.digest : step
}

export function problemText(problem: DeliveryRow['problem'], t: Messages): string {
  if (!problem) return ''
  const channels = /^not taken by (.*)$/.exec(problem)?.[1]
  if (channels) return t.notifications.notTaken(channels)
  return problem === 'this contact is no longer known' ? t.notifications.noContact : problem
}
