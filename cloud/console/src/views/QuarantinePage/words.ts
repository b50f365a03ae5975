import type { Messages } from '../../messages'

/** What the last replay came to, in words. */
export function outcomeText(outcome: string | null | undefined, { quarantine }: Messages): string {
  return outcome ? (quarantine.outcomes[outcome] ?? outcome) : quarantine.never
}

/** A lane in words; a topic may name one that there is not. */
export function laneText(lane: string, { agent }: Messages): string {
  return (agent.lanes as Record<string, string>)[lane] ?? lane
}
