import test from 'ava';
import fc from 'fast-check';
import { type LineChunk, lineChunks } from '../../../src/cli/bulk/line-chunks.ts';

async function* split(text: Buffer, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const cut of [...cuts.map((one) => one % (text.length + 1)), text.length].sort((a, b) => a - b)) {
    yield text.subarray(start, cut);
    start = cut;
  }
}

async function collect(chunks: AsyncIterable<LineChunk>): Promise<LineChunk[]> {
  const all: LineChunk[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

test('however the bytes come, the chunks are the lines, numbered', async (t) => {
  const line = fc.oneof(
    { weight: 10, arbitrary: fc.string({ maxLength: 20 }) },
    { weight: 1, arbitrary: fc.constantFrom('x'.repeat(200_000), 'y'.repeat(1_100_000)) },
  );
  const property = fc.asyncProperty(
    fc.array(line, { maxLength: 30 }),
    fc.boolean(),
    fc.array(fc.nat(), { maxLength: 10 }),
    fc.integer({ min: 1, max: 12 }),
    async (lines, ended, cuts, linesMax) => {
      const clean = lines.map((one) => one.replaceAll('\n', ' '));
      const text = Buffer.from(clean.join('\n') + (ended ? '\n' : ''));
      const chunks = await collect(lineChunks(split(text, cuts), { linesMax, offset: 100, firstLine: 7 }));
      t.true(Buffer.concat(chunks.map((chunk) => chunk.text)).equals(text));
      let [end, next] = [100, 7];
      for (const chunk of chunks) {
        end += chunk.text.length;
        t.is(chunk.end, end);
        t.is(chunk.firstLine, next);
        t.true(chunk.lines >= 1 && chunk.lines <= linesMax);
        t.is(chunk.lines, Buffer.from(chunk.text).toString().replace(/\n$/, '').split('\n').length);
        t.true(!chunk.long || chunk.lines === 1);
        t.is(chunk.long, chunk.text.length > 1024 * 1024);
        next += chunk.lines;
      }
    },
  );
  await fc.assert(property, { numRuns: 60 });
});
