// The district's picture as a page shows it: of now, kept current by the stream, or of the chosen moment.

import { computed } from 'vue'
import { read } from '../api/client'
import type { District } from '../api/types'
import { useQuery } from '../api/useQuery'
import { useLive } from '../live/live'
import { usePast } from './past'

export function useDistrict() {
  const live = useLive()
  const { shown } = usePast()
  const then = useQuery<District | null>(
    async (signal) =>
      shown.value === null
        ? null
        : read('/api/v1/timemachine/overview', { query: { at: shown.value }, signal }),
    { when: [shown] },
  )
  const past = computed(() => shown.value !== null)
  return {
    data: computed<District | null>(() => (past.value ? then.data.value : live.overview.value)),
    error: computed(() => (past.value ? then.error.value : live.error.value)),
    loading: computed(() => (past.value ? then.loading.value : live.connection.value === 'connecting')),
    receivedAt: computed(() => (past.value ? then.receivedAt.value : live.heardAt.value)),
    stale: computed(() =>
      past.value ? then.stale.value : live.connection.value === 'stale' && live.overview.value !== null,
    ),
    reload: () => (past.value ? then.reload() : live.reload()),
  }
}
