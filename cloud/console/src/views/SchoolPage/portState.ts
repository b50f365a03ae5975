import type { PortRow } from '../../api/types'
import type { Messages } from '../../messages'

/** What a port's two flags mean, in words. */
export function portState(port: Pick<PortRow, 'admin_up' | 'oper_up'>, t: Messages): string {
  if (port.admin_up === false) return t.school.portDisabled
  if (port.oper_up === true) return t.school.portUp
  return port.oper_up === false ? t.school.portDown : t.school.portUnknown
}
