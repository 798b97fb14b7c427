/** The traces in traces/: what a group does must be what is written there. `UPDATE_TRACES=1` writes them anew: read the difference. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { replayTrace } from './support/trace.ts';

const folder = new URL('./traces/', import.meta.url);

for (const name of readdirSync(folder)) {
  test(`trace: ${name.replace('.txt', '').replaceAll('-', ' ')}`, (t) => {
    const path = new URL(name, folder);
    const expected = readFileSync(path, 'utf8');
    const actual = replayTrace(expected);
    // biome-ignore lint/complexity/useLiteralKeys: an index signature
    if (process.env['UPDATE_TRACES'] === '1') writeFileSync(path, actual);
    else t.deepEqual(actual.split('\n'), expected.split('\n'));
    t.true(actual.includes('\n  '), 'the trace does something');
  });
}
