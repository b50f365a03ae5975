// Filters and ranges live in the URL, so that a page can be sent to a colleague and opens as it was seen.

import { computed, type WritableComputedRef } from 'vue'
import { type LocationQueryRaw, type Router, useRoute, useRouter } from 'vue-router'

const underWay = new WeakMap<Router, LocationQueryRaw>()

/** One query parameter as a ref; its default value is left out of the URL. */
export function useUrlState<T extends string>(
  name: string,
  fallback: T,
  allowed?: readonly T[],
): WritableComputedRef<T> {
  const route = useRoute()
  const router = useRouter()
  return computed({
    get() {
      const raw = route.query[name]
      const text = typeof raw === 'string' ? raw : undefined
      if (text === undefined) return fallback
      return allowed && !allowed.includes(text as T) ? fallback : (text as T)
    },
    set(value) {
      // What is on its way counts as there already: two filters may be set before the first change of address is done.
      const { [name]: _, ...rest } = underWay.get(router) ?? router.currentRoute.value.query
      const query = value === fallback ? rest : { ...rest, [name]: value }
      underWay.set(router, query)
      void router.replace({ query }).finally(() => {
        if (underWay.get(router) === query) underWay.delete(router)
      })
    },
  })
}
