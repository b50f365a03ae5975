// The filters of the terminals, each in the URL, and the question they make for the centre.

import { computed } from 'vue'
import type { StatusWord } from '../../api/types'
import { STATUS_ORDER } from '../../components/statusOrder'
import { useClock } from '../../live/clock'
import { useUrlState } from '../../urlState'

export const LOW_BATTERY = 0.2
export const UNSEEN_DAYS = ['1', '7', '30'] as const
export const SYNCS = ['pending', 'synced', 'unknown', 'none'] as const
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

export function useTerminalFilters() {
  const { now } = useClock()
  const search = useUrlState<string>('q', '')
  const school = useUrlState<string>('school', '')
  const classroom = useUrlState<string>('classroom', '')
  const owner = useUrlState<'' | 'student' | 'teacher'>('owner', '', ['', 'student', 'teacher'])
  const status = useUrlState<'' | StatusWord>('status', '', ['', ...STATUS_ORDER])
  const agent = useUrlState<string>('agent', '')
  const model = useUrlState<string>('model', '')
  const app = useUrlState<string>('app', '')
  const low = useUrlState<string>('low', '')
  const sync = useUrlState<'' | (typeof SYNCS)[number]>('sync', '', ['', ...SYNCS])
  const unseen = useUrlState<'' | (typeof UNSEEN_DAYS)[number]>('unseen', '', ['', ...UNSEEN_DAYS])

  // To the hour, so that the question does not change with every second.
  const since = computed(() =>
    unseen.value
      ? new Date(Math.floor(now.value / HOUR_MS) * HOUR_MS - Number(unseen.value) * DAY_MS).toISOString()
      : undefined,
  )
  const all = [search, school, classroom, owner, status, agent, model, app, low, sync, unseen] as const
  const any = computed(() => all.some((filter) => filter.value !== ''))
  const asked = computed(() => ({
    search: search.value || undefined,
    school: school.value || undefined,
    classroom: classroom.value || undefined,
    owner: owner.value || undefined,
    status: status.value || undefined,
    agent: agent.value || undefined,
    model: model.value || undefined,
    app_version: app.value || undefined,
    battery_below: low.value ? LOW_BATTERY : undefined,
    sync: sync.value || undefined,
    not_seen_since: since.value,
  }))

  function clear(): void {
    for (const filter of all) filter.value = ''
  }
  return { search, school, classroom, owner, status, agent, model, app, low, sync, unseen, any, asked, clear }
}

export type TerminalFilters = ReturnType<typeof useTerminalFilters>
