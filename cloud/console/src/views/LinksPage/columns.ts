import type { LinkRow } from '../../api/types'
import { urgency } from '../../components/statusOrder'
import type { Column } from '../../components/tableSort'
import { toMs } from '../../format/time'
import { bps } from '../../format/units'
import type { Messages } from '../../messages'

export function linkColumns(t: Messages): Column<LinkRow>[] {
  return [
    { key: 'status', title: t.links.status, sort: (row) => urgency(row.status) },
    { key: 'link', title: t.links.link, sort: (row) => row.link },
    { key: 'school', title: t.links.school, sort: (row) => row.school },
    { key: 'trend', title: t.outlook.trend24 },
    { key: 'in', title: t.links.inward, numeric: true, sort: (row) => row.in_bps },
    { key: 'out', title: t.links.outward, numeric: true, sort: (row) => row.out_bps },
    { key: 'utilisation', title: t.links.utilisation, numeric: true, sort: (row) => row.utilisation_ratio },
    { key: 'loss', title: t.links.loss, numeric: true, sort: (row) => row.loss_ratio },
    { key: 'rtt', title: t.links.rtt, numeric: true, sort: (row) => row.rtt_seconds },
    { key: 'jitter', title: t.links.jitter, numeric: true, sort: (row) => row.jitter_seconds },
    { key: 'since', title: t.links.since, numeric: true, sort: (row) => toMs(row.since) },
    {
      key: 'contracted',
      title: t.links.contracted,
      numeric: true,
      sort: (row) => row.contracted_bps,
      text: (row) => bps(row.contracted_bps),
    },
    {
      key: 'provider',
      title: t.links.provider,
      sort: (row) => row.provider,
      text: (row) => row.provider ?? '',
    },
  ]
}
