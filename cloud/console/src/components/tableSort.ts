// Sorting of table rows: by value, missing values last whichever way, equal ones in the order they came.

export interface Column<Row> {
  key: string
  title: string
  numeric?: boolean
  text?: (row: Row) => string
  /** The value to sort by; without it the column does not sort. */
  sort?: (row: Row) => number | string | null | undefined
}

export function sortRows<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  key: string,
  descending: boolean,
): readonly Row[] {
  const value = columns.find((column) => column.key === key)?.sort
  if (!value) return rows
  const sign = descending ? -1 : 1
  return [...rows].sort((a, b) => {
    const left = value(a) ?? null
    const right = value(b) ?? null
    if (left === null || right === null) return left === right ? 0 : left === null ? 1 : -1
    if (typeof left === 'number' && typeof right === 'number') return sign * (left - right)
    return sign * String(left).localeCompare(String(right), 'zh-CN', { numeric: true })
  })
}
