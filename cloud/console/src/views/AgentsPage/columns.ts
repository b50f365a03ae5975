import type { AgentRow } from '../../api/types'
import { urgency } from '../../components/statusOrder'
import type { Column } from '../../components/tableSort'
import { toMs } from '../../format/time'
import type { Messages } from '../../messages'
import { heldText } from '../heldText'

export function agentColumns(t: Messages): Column<AgentRow>[] {
  return [
    { key: 'status', title: t.agents.status, sort: (row) => urgency(row.status) },
    { key: 'agent', title: t.agents.agent, sort: (row) => row.agent },
    { key: 'role', title: t.agents.role, sort: (row) => row.role, text: (row) => t.agents.roles[row.role] },
    { key: 'school', title: t.agents.school, sort: (row) => row.school },
    { key: 'presence', title: t.agents.presence, sort: (row) => row.presence },
    { key: 'seen', title: t.agents.lastSeen, numeric: true, sort: (row) => toMs(row.last_seen_at) },
    { key: 'lag', title: t.agents.lag, numeric: true, sort: (row) => row.lag_seconds },
    {
      key: 'held',
      title: t.agents.held,
      numeric: true,
      sort: (row) => row.held_items,
      text: heldText,
    },
    { key: 'skew', title: t.agents.skew, numeric: true, sort: (row) => row.skew_seconds },
    {
      key: 'software',
      title: t.agents.software,
      sort: (row) => row.software,
      text: (row) => row.software ?? '–',
    },
  ]
}
