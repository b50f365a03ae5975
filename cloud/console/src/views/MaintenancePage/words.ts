// What a window is for, in words, and where it has its page.

import type { TargetKind } from '../../api/types'
import type { Messages } from '../../messages'
import { pathOf } from '../IncidentPage/words'

export function targetText(kind: TargetKind, key: string, t: Messages): string {
  return `${t.maintenance.kinds[kind]} ${key}`
}

export function targetPath(kind: TargetKind, key: string): string | null {
  return kind === 'school' ? `/schools/${key}` : pathOf(kind, key)
}
