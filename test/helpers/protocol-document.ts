/** src/protocol/PROTOCOL.md, taken apart: its tables by heading, its byte-by-byte examples. */
import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../../src/protocol/PROTOCOL.md', import.meta.url), 'utf8');

export interface Table {
  /** The heading it stands under. */
  readonly heading: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export const headings: readonly string[] = [...text.matchAll(/^#+ (.*)$/gm)].map((match) => match[1] as string);

/** All tables, in order. */
export const tables: readonly Table[] = readTables();

function readTables(): Table[] {
  const found: Table[] = [];
  let heading = '';
  let rows: string[][] = [];
  const end = (): void => {
    const [columns, , ...others] = rows;
    if (columns !== undefined) found.push({ heading, columns, rows: others });
    rows = [];
  };
  for (const line of text.split('\n')) {
    if (line.startsWith('|')) rows.push(cells(line));
    else end();
    if (line.startsWith('#')) heading = line.replace(/^#+ /, '');
  }
  end();
  return found;
}

function cells(line: string): string[] {
  return line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
}

/** The `nth` table under a heading. */
export function tableUnder(heading: string, nth = 0): Table {
  const found = tables.filter((table) => table.heading === heading)[nth];
  if (found === undefined) throw new Error(`PROTOCOL.md has no table ${nth} under '${heading}'`);
  return found;
}

/** `like this` without its quotes. */
export function unquoted(cell: string): string {
  return cell.replaceAll('`', '');
}

/** 16,777,215 as a number. */
export function numberIn(cell: string): number {
  return Number(cell.replaceAll(',', ''));
}

export interface ExampleFrame {
  readonly from: 'client' | 'node';
  readonly bytes: Buffer;
  /** The lines of the document. */
  readonly lines: string;
}

/** The frames of the example in the code block of this language. */
export function example(language: string): ExampleFrame[] {
  const block = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(text)?.[1];
  if (block === undefined) throw new Error(`PROTOCOL.md has no example '${language}'`);
  return block.split(/^(?=[→←])/m).map((lines) => ({
    from: lines.startsWith('→') ? 'client' : 'node',
    bytes: Buffer.from(lines.slice(1).replaceAll(/#.*$/gm, '').replaceAll(/\s/g, ''), 'hex'),
    lines,
  }));
}
