import { expect, test } from 'vitest'
import { settingsOf } from './settings'

test('words, numbers and flags are told apart', () => {
  expect(settingsOf('camera = false\n\nvolume=0.5\nhome = "3"\nmode = exam')).toEqual({
    settings: { camera: false, volume: 0.5, home: '3', mode: 'exam' },
  })
})

test('the first line that is no setting is named', () => {
  expect(settingsOf('camera = false\nvolume')).toEqual({ line: 2 })
  expect(settingsOf('= 3')).toEqual({ line: 1 })
})
