/** JSON over several lines; text that was cut off in the middle is shown as it came. */
export function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2)
  } catch {
    return json
  }
}

/** Hexadecimal bytes in groups of two, sixteen to a line. */
export function spaced(hex: string): string {
  const bytes = hex.match(/../g) ?? []
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += 16) lines.push(bytes.slice(at, at + 16).join(' '))
  return lines.join('\n')
}
