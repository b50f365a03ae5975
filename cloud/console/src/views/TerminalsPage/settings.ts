// Settings as people write them, one to a line: `camera = false`.

export type Setting = string | number | boolean

/** The settings of a text, or the number of the first line that is none. */
export function settingsOf(text: string): { settings: Record<string, Setting> } | { line: number } {
  const settings: Record<string, Setting> = {}
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (!line) continue
    const [, name, value] = /^([A-Za-z0-9_.-]+)\s*=\s*(.*)$/.exec(line) ?? []
    if (name === undefined || value === undefined || value === '') return { line: index + 1 }
    settings[name] = settingOf(value)
  }
  return { settings }
}

function settingOf(text: string): Setting {
  if (text === 'true' || text === 'false') return text === 'true'
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text.replace(/^"(.*)"$/, '$1')
}
