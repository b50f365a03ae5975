import { expect, it } from 'vitest'
import type { ChangeThen } from '../api/types'
import { grouped } from './grouped'

function change(key: string, second: number, root: string | null = null): ChangeThen {
  return {
    at: `2026-11-24T01:10:0${second}Z`,
    kind: 'classroom',
    key,
    previous: 'up',
    status: root ? 'unreachable' : 'down',
    reason: 'line_cut',
    root_kind: root ? 'link' : null,
    root_key: root,
  }
}

it('tells the newest first and gathers what lay behind one fault', () => {
  const told = grouped([
    change('a', 0),
    change('b', 1, 's07-wan'),
    change('c', 2),
    change('d', 3, 's07-wan'),
    change('e', 4, 's08-wan'),
  ])
  expect(told.map(({ own, suppressed }) => [own?.key ?? null, suppressed.map(({ key }) => key)])).toEqual([
    [null, ['e']],
    [null, ['d', 'b']],
    ['c', []],
    ['a', []],
  ])
})
