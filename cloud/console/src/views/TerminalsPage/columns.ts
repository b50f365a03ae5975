import type { TerminalRow } from '../../api/types'
import type { Column } from '../../components/tableSort'
import type { Messages } from '../../messages'

/** Keys are the orders that the centre knows; `sort` only says that a column has one. */
export function terminalColumns(t: Messages): Column<TerminalRow>[] {
  const sort = (row: TerminalRow) => row.terminal
  return [
    { key: 'choose', title: '' },
    { key: 'status', title: t.terminals.status, sort },
    { key: 'terminal', title: t.terminals.terminal, sort },
    { key: 'school', title: t.terminals.school, sort },
    { key: 'classroom', title: t.terminals.classroom, sort },
    {
      key: 'owner',
      title: t.terminals.owner,
      sort,
      text: (row) => t.terminals.owners[row.owner] ?? row.owner,
    },
    { key: 'model', title: t.terminals.model, sort, text: (row) => row.model ?? '–' },
    { key: 'battery', title: t.terminals.battery, numeric: true, sort },
    { key: 'storage', title: t.terminals.storage, numeric: true, sort },
    { key: 'app_version', title: t.terminals.app, sort, text: (row) => row.app_version ?? '–' },
    { key: 'sync', title: t.terminals.sync, sort },
    { key: 'seen', title: t.terminals.seen, numeric: true, sort },
  ]
}
