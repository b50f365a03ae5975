// Whom a push is for, in words.

import type { Messages } from '../../messages'

export function audienceText(audience: readonly string[], t: Messages): string {
  return audience
    .map((one) => {
      const [kind = '', key = ''] = one.split(/:(.*)/s)
      return kind === 'all' ? t.content.everyone : `${t.content.kinds[kind] ?? kind} ${key}`
    })
    .join('、')
}
