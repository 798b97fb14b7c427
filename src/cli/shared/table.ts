/** Columns for people, and numbers as they read them. */

/** Cells as wide as the widest of their column, two blanks between; the last column is not filled up. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [at, cell] of row.slice(0, -1).entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return rows
    .map((row) => row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0))).join('  '))
    .join('\n');
}

const CELL_LENGTH_MAX = 64;

/** What may be long, for a cell: cut with `…`, so that one does not push all others out of sight. */
export function shortened(text: string): string {
  const characters = [...text.slice(0, 2 * CELL_LENGTH_MAX + 1)];
  return characters.length > CELL_LENGTH_MAX ? `${characters.slice(0, CELL_LENGTH_MAX - 1).join('')}…` : text;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
const STEP = 1024;

/** `794640` → `776.0 KiB`. */
export function bytesText(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= STEP && unit < UNITS.length - 1) {
    size /= STEP;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${UNITS[unit]}`;
}

const SPANS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const;

/** `184000` → `3m 4s`: the largest unit that fits and the next. */
export function spanText(ms: number): string {
  let seconds = Math.floor(ms / 1000);
  const parts: string[] = [];
  for (const [unit, size] of SPANS) {
    const count = Math.floor(seconds / size);
    seconds -= count * size;
    if (count > 0 || parts.length > 0) parts.push(`${count}${unit}`);
  }
  return parts.slice(0, 2).join(' ') || '0s';
}
