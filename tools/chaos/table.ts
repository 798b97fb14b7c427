/** Tables and numbers as people read them. */

/** Columns as wide as they need to be: the first to the left, the others to the right. */
export function tableText(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heads, ...rows];
  const widths = heads.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const cell = (text: string, column: number): string =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return all.map((row) => row.map(cell).join('   ').trimEnd()).join('\n');
}

export function whole(number: number): string {
  return Math.round(number).toLocaleString('en');
}

/** Whole milliseconds; what never came is said so. */
export function milliseconds(ms: number): string {
  if (Number.isNaN(ms)) return '–';
  return ms === Number.POSITIVE_INFINITY ? 'never' : whole(ms);
}

export function percent(part: number, all: number): string {
  return all === 0 ? '–' : `${((part / all) * 100).toFixed(2)} %`;
}

export function count(number: number, noun: string): string {
  return `${whole(number)} ${noun}${number === 1 ? '' : 's'}`;
}
