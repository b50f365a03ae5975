// Where a thing that was found has its page.

import type { Found } from '../api/types'

export function pageOf(item: Pick<Found, 'kind' | 'key' | 'school'>): string {
  const key = encodeURIComponent(item.key)
  const [device = '', ...port] = item.key.split('/')
  switch (item.kind) {
    case 'school':
      return `/schools/${key}`
    case 'link':
      return `/links/${key}`
    case 'gateway':
      return `/agents/${key}`
    case 'class':
      return `/classes/${key}`
    case 'classroom':
      return `/classrooms/${key}`
    case 'device':
      return `/devices/${key}`
    case 'port':
      return `/devices/${encodeURIComponent(device)}/ports/${encodeURIComponent(port.join('/'))}`
    case 'terminal':
      return `/terminals/${key}`
  }
}
