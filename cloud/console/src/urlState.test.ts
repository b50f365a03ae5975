import { beforeEach, describe, expect, it, vi } from 'vitest'
import { nextTick, reactive } from 'vue'

const route = reactive<{ query: Record<string, string> }>({ query: {} })
const router = {
  currentRoute: { value: route },
  // As the real router: the address changes some time after it was asked to.
  replace: vi.fn(async ({ query }: { query: Record<string, string> }) => {
    await nextTick()
    route.query = query
  }),
}
vi.mock('vue-router', () => ({ useRoute: () => route, useRouter: () => router }))

const { useUrlState } = await import('./urlState')

beforeEach(() => {
  route.query = {}
})

describe('useUrlState', () => {
  it('keeps its default out of the address', async () => {
    const status = useUrlState<string>('status', '')
    status.value = 'down'
    await vi.waitFor(() => expect(route.query).toEqual({ status: 'down' }))
    status.value = ''
    await vi.waitFor(() => expect(route.query).toEqual({}))
  })

  it('takes no value that is not allowed', () => {
    route.query = { range: '99y' }
    expect(useUrlState('range', '1h', ['15m', '1h']).value).toBe('1h')
  })

  it('lets two be set at once without losing the first, and leaves the rest alone', async () => {
    route.query = { lang: 'en', q: 'x', status: 'down' }
    const search = useUrlState<string>('q', '')
    const status = useUrlState<string>('status', '')
    search.value = ''
    status.value = ''
    await vi.waitFor(() => expect(route.query).toEqual({ lang: 'en' }))
  })
})
