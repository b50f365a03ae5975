import { afterEach, expect, test, vi } from 'vitest'
import { hashOf, pieces, upload } from './upload'

const FOX = 'd7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592'
const never = new AbortController().signal

afterEach(() => vi.unstubAllGlobals())

test('the hash is that of the standard', async () => {
  const file = new Blob(['The quick brown fox jumps over the lazy dog'])
  expect(await hashOf(file, () => undefined, never)).toBe(FOX)
})

test('missing ranges are cut into pieces of one request each', () => {
  expect(
    pieces(
      [
        [0, 5],
        [8, 9],
      ],
      3,
    ),
  ).toEqual([
    [0, 3],
    [3, 5],
    [8, 9],
  ])
  expect(pieces([])).toEqual([])
})

test('only what the centre lacks is sent, as ranges of the whole', async () => {
  const sent: [string, string | null][] = []
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    if (url.includes('/missing')) return Response.json({ size_bytes: 10, missing: [[2, 5]] })
    sent.push([await new Response(init.body).text(), new Headers(init.headers).get('content-range')])
    return Response.json({ size_bytes: 10, missing: [] }, { status: 201 })
  })
  const steps: string[] = []
  const done = await upload(new File(['0123456789'], 'a.txt'), '', (now) => steps.push(now.step), never)
  expect(sent).toEqual([['234', 'bytes 2-4/10']])
  expect(done.sentBytes).toBe(3)
  expect(steps.at(-1)).toBe('done')
})

test('a file that is there already costs nothing', async () => {
  vi.stubGlobal('fetch', async () => Response.json({ size_bytes: 10, missing: [] }))
  const done = await upload(new File(['0123456789'], 'a.txt'), '', () => undefined, never)
  expect(done.sentBytes).toBe(0)
})
