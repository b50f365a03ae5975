// The English words of the time machine.

import type { Messages } from './index'

export const timeEn: Messages['time'] = {
  title: 'Time machine',
  open: 'Open the time machine',
  close: 'Close the time machine',
  asOf: 'As of',
  notFollowed: 'This page does not follow the clock: it shows now.',
  live: 'LIVE',
  backToLive: 'Return to live',
  isLive: 'Live is shown; choose a moment on the time line',
  scrubber: 'Moment',
  scrubberHint: 'Arrows move, Page Up and Page Down go to the next and the last bell, Home returns to live',
  moment: 'Go to a moment',
  range: 'Length of the time line',
  ranges: { day: 'Day', week: 'Week', quarter: '90 days' },
  previousBell: 'Last bell',
  nextBell: 'Next bell',
  play: 'Replay',
  pause: 'Pause',
  speed: 'Speed of the replay',
  speeds: (speed) => `${speed}×`,
  bell: (clock, starts, ends) =>
    `${clock} ${[starts ? `${starts} lessons begin` : '', ends ? `${ends} lessons end` : ''].filter(Boolean).join(', ')}`,
  density: (changes, faults) => `${changes} changes in this time, ${faults} of them trouble of their own`,
  changesTitle: 'Quarter of an hour before',
  noChanges: 'Nothing changed in this quarter of an hour',
  suppressed: (n, root) => `${n} suppressed: behind ${root}`,
  moreChanges: (n) => `${n} more`,
  notKept: 'The monitor itself, backlog and books are not kept by moment',
}
