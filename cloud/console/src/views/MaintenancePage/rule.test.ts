import { expect, test } from 'vitest'
import { messagesIn } from '../../messages'
import { ruleOf, ruleText, timeText } from './rule'

const SATURDAY = Date.parse('2026-11-28T22:00:00+08:00')
const en = messagesIn('en')

test('what the form makes is read back in words', () => {
  expect(ruleOf('weekly', SATURDAY)).toBe('FREQ=WEEKLY;BYDAY=SA')
  expect(ruleText(ruleOf('weekly', SATURDAY), en)).toBe('every Saturday')
  expect(ruleText(ruleOf('monthly', SATURDAY), en)).toBe('the 4th Saturday of each month')
  expect(ruleText(ruleOf('daily', SATURDAY), messagesIn('zh-CN'))).toBe('每天')
  expect(ruleText(ruleOf('once', SATURDAY), messagesIn('zh-CN'))).toBe('一次')
})

test('after midnight in the district is another day than in UTC', () => {
  expect(ruleOf('weekly', Date.parse('2026-11-29T01:00:00+08:00'))).toBe('FREQ=WEEKLY;BYDAY=SU')
  expect(ruleText(ruleOf('monthly', Date.parse('2026-11-30T01:00:00+08:00')), en)).toBe(
    'the last Monday of each month',
  )
})

test('a rule without words for it stays as it is written', () => {
  expect(ruleText('FREQ=WEEKLY;BYDAY=SA;COUNT=4', en)).toBeNull()
  expect(ruleText('FREQ=YEARLY', en)).toBeNull()
  expect(ruleText('FREQ=WEEKLY;BYDAY=SA,SU', en)).toBe('every Saturday and Sunday')
})

test('a night has two dates, an evening one', () => {
  expect(timeText(SATURDAY, 3600, 'en')).toMatch(/28 Nov 22:00 – 23:00$/)
  expect(timeText(SATURDAY, 4 * 3600, 'en')).toContain('29 Nov 02:00')
})
