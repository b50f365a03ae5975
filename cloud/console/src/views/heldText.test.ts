import { describe, expect, it } from 'vitest'
import { heldText } from './heldText'

describe('heldText', () => {
  it('does not call a silent agent empty', () => {
    expect(heldText({ held_items: 0, presence: 'online' })).toBe('0')
    expect(heldText({ held_items: 0, presence: 'offline' })).toBe('–')
    expect(heldText({ held_items: 1340, presence: 'offline' })).toBe('1,340')
    expect(heldText({ held_items: 0, presence: null })).toBe('–')
  })
})
