// The English words of the search.

import type { searchZh } from './search.zh-CN'

export const searchEn: typeof searchZh = {
  open: 'Search',
  openHint: 'Press / or Ctrl+K',
  title: 'Find anything',
  placeholder: 'Key or name, several words if you like: school no. 7 switch',
  kinds: {
    school: 'School',
    link: 'Link',
    gateway: 'Gateway',
    classroom: 'Classroom',
    class: 'Class',
    device: 'Device',
    port: 'Port',
    terminal: 'Terminal',
  },
  none: (q) => `Nothing found for “${q}”`,
  noneHint: 'Leave a word out, or try another name.',
  hint: 'Type to find links, schools, gateways, devices, ports, classrooms, classes and terminals.',
  keys: '↑ ↓ choose · Enter opens · Esc closes',
  found: (n) => `${n} found`,
  more: (n) => `${n} more; another word narrows them`,
}
