import { describe, expect, it } from 'vitest'
import type { Language } from '../format/time'
import { eventFacts } from './eventFacts'
import { messagesIn } from './index'

// Shaped like what agents send; edge_agent makes them, protocols/events.py lists the types.
const SENT: [type: string, attributes: Record<string, unknown>, zh: string, en: string][] = [
  [
    'agent.started',
    { instance: '2e37b2', role: 'gateway', software: 'bellwether 0.1.0' },
    '已启动，版本 bellwether 0.1.0',
    'started, bellwether 0.1.0',
  ],
  ['agent.stopped', { instance: '2e37b2', reason: 'on request' }, '已停止：按要求', 'stopped: on request'],
  [
    'agent.epoch_restarted',
    { former_epoch: 'aa', epoch: '5d7ddf0010f1a2b3' },
    '的缓存队列是旧副本，开始新纪元 5d7ddf0010f1',
    'found its spool to be an old copy and began a new epoch 5d7ddf0010f1',
  ],
  [
    'spool.pressure',
    { level_ratio: 0.85, used_ratio: 0.8612, used_bytes: 1_200_000 },
    '的缓存队列已用 86.1%（1.2 MB），高于 85% 的阈值',
    'has used 86.1% of its spool (1.2 MB), above the mark of 85%',
  ],
  [
    'spool.pressure',
    { level_ratio: 0, used_ratio: 0.4, used_bytes: 5 },
    '的缓存队列回落到各阈值以下，已用 40%',
    'has its spool below every mark again, 40% used',
  ],
  [
    'spool.thinned',
    { items: 1200 },
    '因磁盘不足抽稀了 1,200 条样本',
    'thinned 1,200 samples for want of disk',
  ],
  [
    'spool.damaged',
    { epoch: 'aa', seq: 12, items: 5, reason: 'checksum' },
    '有一段校验失败，已搁置：序号 12，5 条',
    'set a segment aside that failed its checksum: seq 12, 5 items',
  ],
  [
    'spool.damaged',
    { file: 'spool.db.1', reason: 'malformed', items: null, carried_over_items: 90 },
    '的缓存队列文件损坏，已搁置；保住 90 条：malformed',
    'set a damaged spool file aside; 90 items saved: malformed',
  ],
  [
    'counter.reset',
    { reason: 'restarted', if_index: 3 },
    '的计数器重新开始：设备重启，此段间隔不计速率',
    'counts anew: the device restarted; no rate over the gap',
  ],
  [
    'counter.implausible',
    { begins: true, speed_bps: 1e9, in_bps: 2e9, in_octets: '1' },
    '出现高于端口速率的流量（端口 1 Gbit/s），已标记，不计入',
    'shows a rate above its speed of 1 Gbit/s; flagged, not counted',
  ],
  ['counter.implausible', { begins: false }, '的速率恢复合理', 'shows plausible rates again'],
  [
    'counter.refused',
    { begins: true, reason: '32_bit_speed_unknown', speed_bps: null },
    '的计数器不能使用：只有 32 位计数器，端口速率未知',
    'has counters that cannot be used: 32 bits only, speed unknown',
  ],
  [
    'counter.clock_drift',
    { begins: true, drift_ratio: -0.12 },
    '的设备时钟与轮询时钟相差过大，达 12%',
    'has a clock that disagrees with ours by 12%',
  ],
  ['port.changed', { oper_up: false, admin_up: true, between_polls: false }, '已断开', 'went down'],
  ['port.changed', { oper_up: true, admin_up: true, between_polls: false }, '已连通', 'came up'],
  [
    'port.changed',
    { oper_up: true, admin_up: true, between_polls: true },
    '在两次轮询之间断开又恢复',
    'went down and came back between two polls',
  ],
  ['neighbours.read', { whole: true, neighbours: 3 }, '报告了邻居', 'told its neighbours'],
  ['neighbour.seen', { name: 's07-ap03' }, '出现邻居，或邻居有变化', 'has a neighbour, new or changed'],
  ['neighbour.gone', { name: 's07-ap03' }, '的邻居消失', 'lost a neighbour'],
  [
    'device.unreachable',
    { reason: 'no answer', was: 'answers', lasted_seconds: 130.5 },
    '停止应答（无应答），此前已应答 2 分 11 秒',
    'stopped answering (no answer) after 2 min 11 s',
  ],
  [
    'device.reachable',
    { reason: null, was: 'silent', lasted_seconds: 60 },
    '恢复应答，此前中断 1 分',
    'answers again after 1 min',
  ],
  [
    'device.refused',
    { reason: 'wrongDigest', was: 'unknown', lasted_seconds: null },
    '拒绝凭据：wrongDigest',
    'refuses the credentials: wrongDigest',
  ],
  [
    'probe.changed',
    { success: false, reason: 'no answer (raw socket)' },
    '探测失败：无应答 (raw socket)',
    'fails: no answer (raw socket)',
  ],
  ['probe.changed', { success: true, reason: 'raw socket' }, '探测恢复成功', 'succeeds again'],
  ['terminal.present', { silent_seconds: 300 }, '到场，此前静默 5 分', 'is present after 5 min of silence'],
  ['terminal.absent', { silent_seconds: 150 }, '离场，已静默 2 分 30 秒', 'is absent, silent for 2 min 30 s'],
  [
    'trap.cold_start',
    {},
    '已冷启动（coldStart），配置可能有变',
    'started anew (coldStart); its configuration may have changed',
  ],
  [
    'trap.warm_start',
    {},
    '已热启动（warmStart），配置未变',
    'started anew (warmStart), configuration unchanged',
  ],
  [
    'trap.link_down',
    { if_index: 7, admin_up: true },
    '上报：端口断开（ifIndex 7）',
    'reports: port down (ifIndex 7)',
  ],
  ['trap.link_up', { if_index: 7 }, '上报：端口连通（ifIndex 7）', 'reports: port up (ifIndex 7)'],
  [
    'trap.authentication_failure',
    {},
    '上报：有人用错误的凭据访问它',
    'reports that somebody asked it with wrong credentials',
  ],
  [
    'trap.ups_on_battery',
    { on_battery_seconds: 20, remaining_seconds: 720 },
    '正由电池供电，已 20 秒，预计还可用 12 分',
    'runs on battery for 20 s, 12 min left',
  ],
  [
    'trap.ups_condition',
    { condition: 'low_battery', begins: true },
    '上报 UPS 状况：电量低',
    'reports a condition of the UPS: battery low',
  ],
  [
    'trap.ups_condition',
    { condition: 'low_battery', begins: false },
    '上报 UPS 状况解除：电量低',
    'reports the end of a condition of the UPS: battery low',
  ],
  [
    'trap.poe_port',
    { poe_port: 3, status: 'fault' },
    '上报端口供电变化（端口 3）：故障',
    'reports the power of a port (port 3): fault',
  ],
  [
    'trap.poe_usage',
    { power_watts: 340, begins: true },
    '对外供电高于阈值（340 W）',
    'has its power for terminals above the threshold (340 W)',
  ],
  [
    'trap.received',
    { oid: '1.3.6.1.4.1.9', varbinds: '1.3 = a', source: '10.7.0.9' },
    '发来通知 1.3.6.1.4.1.9，内容 1.3 = a（来自 10.7.0.9）',
    'sent a notification 1.3.6.1.4.1.9 with 1.3 = a (from 10.7.0.9)',
  ],
  [
    'trap.thinned',
    { items: 1200 },
    '另发来 1,200 条通知，过于频繁，只计数',
    'sent 1,200 more notifications, too fast to be told one by one',
  ],
  [
    'trap.refused',
    { items: 3, reason: 'wrong community' },
    '的陷阱端口拒收 3 条消息：团体字不对',
    'refused 3 messages at its trap port: wrong community',
  ],
  [
    'log.received',
    { severity: 'error', message: 'fan 1', source: '10.7.0.2' },
    '记录日志（错误）“fan 1”（来自 10.7.0.2）',
    'logged (error) “fan 1” (from 10.7.0.2)',
  ],
  [
    'log.thinned',
    { items: 9 },
    '另记录 9 条日志，过于频繁，只计数',
    'logged 9 more messages, too fast to be told one by one',
  ],
  [
    'log.refused',
    { items: 9, reason: 'no priority' },
    '的日志端口拒收 9 条消息：没有优先级',
    'refused 9 messages at its syslog port: no priority',
  ],
  ['clock.stepped', { step_seconds: -1.5 }, '的时钟跳变 −1.5 s', 'had its clock stepped by −1.5 s'],
]

function said(type: string, attributes: Record<string, unknown>, language: Language): string | undefined {
  const { events, edgeReasons } = messagesIn(language)
  return events[type]?.(eventFacts(attributes, language, edgeReasons))
}

describe('events', () => {
  it.each(SENT)('%s %j is a sentence in both languages', (type, attributes, zh, en) => {
    expect(said(type, attributes, 'zh-CN')).toBe(zh)
    expect(said(type, attributes, 'en')).toBe(en)
  })

  it.each(['zh-CN', 'en'] as const)(
    'in %s every type has its words, and none a hole when nothing is known',
    (language) => {
      const { events } = messagesIn(language)
      expect(Object.keys(events).sort()).toEqual([...new Set(SENT.map(([type]) => type))].sort())
      for (const type of Object.keys(events)) {
        expect(said(type, {}, language)).toMatch(/\S/)
        expect(said(type, {}, language)).not.toMatch(/undefined|null|NaN|=|[:：]$/)
      }
    },
  )
})
