import { expect, test } from 'vitest'
import type { SchoolRow } from '../../api/types'
import { STATUS_ORDER } from '../../components/statusOrder'
import { messagesIn } from '../../messages'
import { mapOption, SYMBOLS } from './option'

const school = (key: string, status: SchoolRow['link_status']) =>
  ({ school: key, name: key, name_en: key, latitude: 30, longitude: 104, link_status: status }) as SchoolRow
const option = (map: string | null) =>
  mapOption(
    [school('a', 'down'), school('b', 'up')],
    map,
    (name) => name,
    messagesIn('en'),
    'en',
    'two schools',
  )

test('every status has a shape of its own', () => {
  expect(new Set(STATUS_ORDER.map((status) => JSON.stringify(SYMBOLS[status]))).size).toBe(
    STATUS_ORDER.length,
  )
})

test('what is wrong is drawn last, over what is well', () => {
  const [series] = option(null).series as { data: { school: string; word: string }[] }[]
  expect(series?.data.map((one) => [one.school, one.word])).toEqual([
    ['b', 'Up'],
    ['a', 'Down'],
  ])
})

test('without an outline the map is plain axes', () => {
  expect(option(null)).toHaveProperty('xAxis')
  expect(option('district')).toHaveProperty('geo')
})
