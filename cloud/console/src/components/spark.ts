// From values to the paths of a small line: one path per run of values between holes.

/** Paths over equal steps; the highest of the values, or `top` when that is less than ten times it, is the upper edge. */
export function sparkPaths(
  values: readonly (number | null)[],
  width: number,
  height: number,
  top: number | null,
): string[] {
  const peak = Math.max(0, ...values.map((value) => value ?? 0))
  const edge = (top !== null && top > peak && top < peak * 10 ? top : peak) || 1
  const step = width / Math.max(1, values.length - 1)
  const paths: string[] = []
  let points: string[] = []
  const end = (): void => {
    // A lone value is a dot: a line of no length with round ends.
    if (points.length === 1) points.push(points[0] as string)
    if (points.length) paths.push(`M${points.join('L')}`)
    points = []
  }
  for (const [index, value] of values.entries()) {
    if (value === null) end()
    else
      points.push(`${(index * step).toFixed(1)} ${(height - 1 - (value / edge) * (height - 3)).toFixed(1)}`)
  }
  end()
  return paths
}
