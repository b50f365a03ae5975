// The open incidents, read once and kept by the stream: for the rail's number and the wall.

import { type ComputedRef, computed } from 'vue'
import { read } from '../api/client'
import type { IncidentRow } from '../api/types'
import { useQuery } from '../api/useQuery'
import { useLive } from './live'

const RENEW_SECONDS = 60
const MOST = 200

/** Open incidents as the centre orders them: the most urgent first. Empty until they are known. */
export function useOpenIncidents(): ComputedRef<readonly IncidentRow[]> {
  const query = useQuery(
    (signal) => read('/api/v1/incidents', { query: { state: ['open'], limit: MOST }, signal }),
    { every: RENEW_SECONDS },
  )
  // Their order is the centre's to decide, so a message only says that it is worth asking.
  useLive().on('incident', () => void query.reload())
  return computed(() => query.data.value?.items ?? [])
}
