// The English words of a link's outlook: percentiles, growth, the usual week, quality of a call.

import type { outlookZh } from './outlook.zh-CN'

export const outlookEn: typeof outlookZh = {
  title: 'Outlook and baseline',
  percentile: (days) => `95th percentile (${days} days)`,
  percentileHint: 'A twentieth of the time was busier; over five-minute means.',
  ofContract: (share) => `${share} of the contracted speed`,
  voiceNow: 'Quality of a call (now)',
  voiceDay: 'Quality of a call (24 h)',
  voiceHint:
    'MOS, 1 bad to 4.5 best: estimated from delay, jitter and loss by the simplified E-model of ITU-T G.107.',
  voiceWords: { good: 'good', fair: 'fair', poor: 'poor' },
  none: 'no data',
  saturation: 'When it is full',
  trends: {
    not_enough_data: 'Not enough data',
    stable: 'Stable',
    falling: 'Falling',
    growing: 'Growing',
    saturated: 'Full',
  },
  notEnough: (days) =>
    `${days === '1' ? '1 whole day' : `${days} whole days`} so far; a forecast needs fourteen at least.`,
  stable: 'Growth cannot be told from none; by these days it does not fill up.',
  falling: 'Less from day to day.',
  saturated: 'The daily peak has reached the contracted speed.',
  growing: (perDay) => `Grows by about ${perDay} a day`,
  inDays: (days) => `full in about ${days} days`,
  between: (soonest, latest) => `(nine to one: ${soonest} to ${latest})`,
  days: (n) => (n === '1' ? '1 day' : `${n} days`),
  beyond: 'over three years',
  notWithin: 'not within three years',
  restsOn: (days) => `Rests on the 95th percentiles of ${days} whole days (Theil–Sen slope)`,
  dailyTitle: '95th percentile of each day',
  usualTitle: 'The usual week',
  usualHint: 'Hourly means of the busier direction: the median, and the band of eight weeks in ten',
  usualNone: 'Every hour needs three weeks of data; they have not been gathered yet.',
  usualMedian: 'Median',
  usualBand: 'Usual band',
  usualNow: 'now',
  usualVerdict: {
    above: 'Above usual',
    within: 'As usual',
    below: 'Below usual',
    unknown: 'Usual not known',
  },
  weekdays: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'],
  usualReader: (day, hour, median, low, high) => `${day} ${hour}: median ${median}, ${low} to ${high}`,
  trend24: 'Traffic, 24 h',
  trend24Reader: (peak) => `Traffic over 24 hours, peak ${peak}`,
  allProviders: 'Every provider',
}
