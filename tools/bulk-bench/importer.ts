/** A process that loads rows: some chunks under way at a time, as fast as they are taken or at a rate. */
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { type Client, connect } from '../../src/index.ts';
import { answerQuestions } from './child.ts';

export interface ImportQuestion {
  readonly endpoints: readonly string[];
  readonly rows: number;
  readonly valueBytes: number;
  readonly chunkBytes: number;
  readonly inFlight: number;
  /** 0: as fast as they are taken. */
  readonly rowsPerSecond: number;
}

export interface ImportAnswer {
  readonly rows: number;
  readonly failed: number;
  readonly seconds: number;
}

const LOAD_TIMEOUT_MS = 120_000;
const utf8 = new TextEncoder();

interface Chunk {
  readonly text: Uint8Array;
  /** Rows of the chunks before it. */
  readonly firstRow: number;
}

function chunksOf({ rows, valueBytes, chunkBytes }: ImportQuestion): Chunk[] {
  const value = 'v'.repeat(valueBytes);
  const chunks: Chunk[] = [];
  let lines: string[] = [];
  let length = 0;
  const take = (firstRow: number): void => {
    chunks.push({ text: utf8.encode(lines.join('')), firstRow });
    lines = [];
    length = 0;
  };
  for (let row = 0; row < rows; row += 1) {
    const line = `{"key":"import:${`${row}`.padStart(9, '0')}","value":"${value}"}\n`;
    if (length + line.length > chunkBytes) take(row - lines.length);
    lines.push(line);
    length += line.length;
  }
  if (lines.length > 0) take(rows - lines.length);
  return chunks;
}

async function load(client: Client, question: ImportQuestion): Promise<ImportAnswer> {
  const chunks = chunksOf(question);
  const { rowsPerSecond } = question;
  let next = 0;
  let rows = 0;
  let failed = 0;
  const began = performance.now();
  const worker = async (): Promise<void> => {
    for (let chunk = chunks[next++]; chunk !== undefined; chunk = chunks[next++]) {
      if (rowsPerSecond > 0) await pause((chunk.firstRow / rowsPerSecond) * 1000 - (performance.now() - began));
      const result = await client.load(chunk.text, { timeoutMs: LOAD_TIMEOUT_MS });
      rows += result.rows;
      failed += result.failed;
    }
  };
  await Promise.all(Array.from({ length: question.inFlight }, worker));
  return { rows, failed, seconds: (performance.now() - began) / 1000 };
}

answerQuestions(async (question: ImportQuestion) => {
  const client = await connect(question.endpoints);
  await client.ping(); // all nodes are connected
  const answer = await load(client, question);
  await client.close();
  return answer;
});
