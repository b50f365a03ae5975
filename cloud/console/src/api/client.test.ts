import { afterEach, describe, expect, it, vi } from 'vitest'
import { ApiError, pathFor, queryFor, read, replay } from './client'

function answerWith(response: Response) {
  const fetched = vi.fn().mockResolvedValue(response)
  vi.stubGlobal('fetch', fetched)
  return fetched
}

afterEach(() => vi.unstubAllGlobals())

describe('client', () => {
  it('escapes what stands in a path', () => {
    expect(pathFor('/api/v1/links/{link}', { link: 's07/../x y' })).toBe('/api/v1/links/s07%2F..%2Fx%20y')
  })

  it('repeats lists and leaves out what is empty', () => {
    expect(queryFor({ metric: ['in_bps', 'out_bps'], vantage: '', step: undefined, limit: 0 })).toBe(
      '?metric=in_bps&metric=out_bps&limit=0',
    )
    expect(queryFor({})).toBe('')
  })

  it('reads a document', async () => {
    const fetched = answerWith(Response.json({ items: [] }))
    expect(await read('/api/v1/links')).toEqual({ items: [] })
    expect(fetched.mock.calls[0]?.[0]).toBe('/api/v1/links')
  })

  it('turns a problem document into an error with its hint', async () => {
    answerWith(Response.json({ detail: 'there is no link', hint: 'GET /links' }, { status: 404 }))
    const error = await read('/api/v1/links/{link}', { params: { link: 'x' } }).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({
      status: 404,
      message: 'there is no link',
      hint: 'GET /links',
      reached: true,
    })
  })

  it('survives an error page that is not a problem document', async () => {
    answerWith(new Response('<html>', { status: 502, statusText: 'Bad Gateway' }))
    await expect(read('/api/v1/overview')).rejects.toMatchObject({
      message: 'HTTP 502 Bad Gateway',
      hint: null,
    })
  })

  it('says when the cloud was not reached', async () => {
    vi.stubGlobal('fetch', vi.fn().mockRejectedValue(new TypeError('Failed to fetch')))
    await expect(read('/api/v1/overview')).rejects.toMatchObject({ status: 0, reached: false })
  })

  it('sends the operator token only when there is one', async () => {
    const fetched = answerWith(Response.json({ replayed: 1 }))
    await replay({ id: 17 }, '')
    expect(fetched.mock.calls[0]).toMatchObject([
      '/api/v1/quarantine/17/replay',
      { method: 'POST', headers: {} },
    ])
    const second = answerWith(Response.json({ replayed: 2 }))
    await replay({ reason: 'unknown_agent' }, 'secret')
    expect(second.mock.calls[0]).toMatchObject([
      '/api/v1/quarantine/replay?reason=unknown_agent',
      { headers: { 'X-Bellwether-Token': 'secret' } },
    ])
  })
})
