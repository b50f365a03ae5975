import { expect, test } from 'vitest'
import { pageOf } from './found'

test('a port with slashes in its name has one page under its device', () => {
  expect(pageOf({ kind: 'port', key: 's07-sw01/GigabitEthernet0/0/1', school: 's07' })).toBe(
    '/devices/s07-sw01/ports/GigabitEthernet0%2F0%2F1',
  )
})

test('a gateway is found as its agent', () => {
  expect(pageOf({ kind: 'gateway', key: 's07-gw', school: 's07' })).toBe('/agents/s07-gw')
})
