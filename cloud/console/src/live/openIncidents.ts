// The open incidents of now, read once and kept by the stream, or of the chosen moment: for the rail's number and the wall.

import { type ComputedRef, computed } from 'vue'
import { read } from '../api/client'
import type { IncidentRow } from '../api/types'
import { useQuery } from '../api/useQuery'
import { rowOf } from '../time/incidentsThen'
import { usePast } from '../time/past'
import { useLive } from './live'

const RENEW_SECONDS = 60
const MOST = 200

/** Open incidents as the centre orders them: the most urgent first. Empty until they are known. */
export function useOpenIncidents(): ComputedRef<readonly IncidentRow[]> {
  const { shown } = usePast()
  const query = useQuery<IncidentRow[]>(
    async (signal) => {
      if (shown.value === null) {
        return (await read('/api/v1/incidents', { query: { state: ['open'], limit: MOST }, signal })).items
      }
      const then = await read('/api/v1/timemachine/incidents', { query: { at: shown.value }, signal })
      return then.items.map(rowOf)
    },
    { every: RENEW_SECONDS, when: [shown] },
  )
  // Their order is the centre's to decide, so a message only says that it is worth asking.
  useLive().on('incident', () => void query.reload())
  return computed(() => query.data.value ?? [])
}
