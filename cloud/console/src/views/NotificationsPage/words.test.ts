import { expect, test } from 'vitest'
import { messagesIn } from '../../messages'
import { problemText, stepText, whoText } from './words'

test('who, which step and what went wrong are said in the language of the reader', () => {
  const zh = messagesIn('zh-CN')
  expect(whoText(['rota:network', 'lead'], zh)).toBe('轮值 network、lead')
  expect(stepText('page 2', messagesIn('en'))).toBe('page 2')
  expect(stepText('digest 2026-11-27 07:00', zh)).toBe('汇总')
  expect(problemText('not taken by feishu, mailto', zh)).toBe('feishu, mailto 没有收下')
  expect(problemText(null, zh)).toBe('')
})
