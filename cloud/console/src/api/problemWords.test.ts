import { describe, expect, it } from 'vitest'
import { messagesIn } from '../messages'
import { ApiError } from './client'
import { problemWords } from './problemWords'

const zh = messagesIn('zh-CN')

describe('problemWords', () => {
  it('has words of its own for the problems a reader can do something about', () => {
    const away = new ApiError(
      503,
      'the database does not answer',
      'Try again in a few seconds.',
      'database-away',
    )
    expect(problemWords(away, zh)).toMatchObject({ title: '数据库没有应答', detail: '' })
    expect(problemWords(away, messagesIn('en')).title).toBe('The database does not answer')
  })

  it('keeps the number by which a failure is found in the log', () => {
    const broke = new ApiError(
      500,
      'the request broke something (number 0a1b2c3d)',
      'Look for it.',
      'unexpected',
    )
    expect(problemWords(broke, zh).detail).toBe('编号 0a1b2c3d')
  })

  it('says what the API said where it has no words, and that the centre is away where nobody answered', () => {
    expect(problemWords(new ApiError(418, 'a teapot', 'Pour.', 'teapot'), zh)).toEqual({
      title: zh.state.errorTitle,
      detail: 'a teapot',
      hint: 'Pour.',
    })
    expect(problemWords(new ApiError(0, 'Failed to fetch', null), zh).hint).toBe(zh.state.networkHint)
  })

  it('tells what is absent by where it was looked for', () => {
    const absent = new ApiError(404, 'there is no quarantined segment', null, 'not-found')
    expect(problemWords(absent, zh).title).toBe(zh.state.absentTitle)
    expect(problemWords(absent, zh, zh.quarantine.gone).title).toBe('隔离区中没有这一段')
  })
})
