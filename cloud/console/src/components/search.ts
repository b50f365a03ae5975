/** Whether every word of `search` occurs in one of the texts, whatever the case. */
export function matches(search: string, ...texts: (string | null | undefined)[]): boolean {
  const haystack = texts.join('\n').toLowerCase()
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => haystack.includes(word))
}
