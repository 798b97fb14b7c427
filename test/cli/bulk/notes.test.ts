/** The notes beside exports and imports: what may be gone on with, and what is refused. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ClusterLife, Life } from '../../../src/cli/bulk/cluster-life.ts';
import { FileTarget } from '../../../src/cli/bulk/export-target.ts';
import { ImportNotes, importNoteOf } from '../../../src/cli/bulk/import-note.ts';
import { type FileFacts, fileFacts } from '../../../src/io/long-files.ts';
import { folderFor } from '../../helpers/notes.ts';

const life: Life = { cluster: 'keyval', nodes: { '127.0.0.1:1': 'a1', '127.0.0.2:1': 'b1' } };
const fresh = { partitions: 0, partitionsTotal: 16, prefix: 'user:', rows: 0, bytes: 0, life, force: false };
const forced = { ...fresh, force: true };
const anew = { resume: false };
const quiet = (): void => undefined;
const resume = { resume: true };

test('an export goes on behind the partitions that are whole, and removes its note at the end', async (t) => {
  const file = join(folderFor(t), 'all.ndjson');
  const first = await FileTarget.open(file, fresh, anew);
  await first.append(Buffer.from('one\n'));
  await first.partitionDone(1);
  await first.append(Buffer.from('two\nthr'));
  t.true(await first.takeBack());
  t.is(readFileSync(`${file}.partial`, 'utf8'), 'one\n');
  await first.append(Buffer.from('two\n'));
  appendFileSync(`${file}.partial`, 'torn');
  const again = await FileTarget.open(file, fresh, resume);
  t.like(again.before, { partitions: 1, rows: 1, bytes: 4 });
  t.is(readFileSync(`${file}.partial`, 'utf8'), 'one\n');
  t.false(existsSync(file));
  await again.append(Buffer.from('two\n'));
  await again.partitionDone(1);
  await again.close(true);
  t.is(readFileSync(file, 'utf8'), 'one\ntwo\n');
  t.false(existsSync(`${file}.progress`));
});

test('an export refuses what it would destroy', async (t) => {
  const file = join(folderFor(t), 'all.ndjson');
  writeFileSync(file, 'precious\n');
  await t.throwsAsync(FileTarget.open(file, fresh, anew), { code: 'KV_USAGE', message: /--force writes over it/ });
  await t.throwsAsync(FileTarget.open(file, fresh, resume), { message: /no export to .* was interrupted/ });
  await t.throwsAsync(FileTarget.open('/dev/null', fresh, anew), { message: /no ordinary file/ });
  const target = await FileTarget.open(file, forced, anew);
  await target.append(Buffer.from('one\n'));
  await target.partitionDone(1);
  await target.close(false);
  t.is(readFileSync(file, 'utf8'), 'precious\n');
  await t.throwsAsync(FileTarget.open(file, fresh, anew), { message: /--resume goes on with what it has/ });
  await t.throwsAsync(FileTarget.open(file, { ...fresh, prefix: '' }, resume), {
    message: /begun with --prefix 'user:'/,
  });
  const again = await FileTarget.open(file, fresh, resume);
  t.is(readFileSync(file, 'utf8'), 'precious\n');
  await again.close(true);
  t.is(readFileSync(file, 'utf8'), 'one\n');
  t.false(existsSync(`${file}.partial`));
});

test('an export goes on only with what it has written', async (t) => {
  const file = join(folderFor(t), 'all.ndjson');
  const target = await FileTarget.open(file, fresh, anew);
  await target.append(Buffer.from('one\n'));
  await target.partitionDone(1);
  await target.close(false);
  writeFileSync(file, 'precious\n');
  await t.throwsAsync(FileTarget.open(file, fresh, resume), { message: /is there already; --resume --force/ });
  rmSync(file);
  writeFileSync(`${file}.partial`, '');
  await t.throwsAsync(FileTarget.open(file, fresh, resume), { message: /fewer than the 4 that were written/ });
  writeFileSync(`${file}.progress`, '{"partitions":-1}');
  await t.throwsAsync(FileTarget.open(file, fresh, resume), { message: /no note of an export/ });
});

const otherLives: readonly (readonly [Life, RegExp])[] = [
  [{ ...life, cluster: 'test' }, /begun with the cluster 'keyval', not 'test'/],
  [{ ...life, nodes: { ...life.nodes, '127.0.0.2:1': 'b2' } }, /127\.0\.0\.2:1 was restarted since it was begun/],
  [{ ...life, nodes: { '127.0.0.1:1': 'a2', '127.0.0.2:1': 'b2' } }, /1:1, 127\.0\.0\.2:1 were restarted since/],
  [{ ...life, nodes: { '10.0.0.1:1': 'a1' } }, /begun with other nodes/],
];

test('nothing is gone on with in another life of the cluster, or in another cluster', async (t) => {
  const file = join(folderFor(t), 'all.ndjson');
  await (await FileTarget.open(file, fresh, anew)).close(false);
  writeFileSync(file, 'one\n');
  const facts = (await fileFacts(file)) as FileFacts;
  const adopted: Life[] = [];
  const clusterOf = (now: Life): ClusterLife =>
    ({ life: now, adopt: (before: Life) => adopted.push(before) }) as unknown as ClusterLife;
  const notes = await ImportNotes.open(file, facts, false, quiet);
  notes.begin(clusterOf(life));
  await notes.write();
  const resumed = await ImportNotes.open(file, facts, true, quiet);
  for (const [now, message] of otherLives) {
    await t.throwsAsync(FileTarget.open(file, { ...forced, life: now }, resume), { code: 'KV_USAGE', message });
    const error = t.throws(() => resumed.begin(clusterOf(now)), { code: 'KV_USAGE', message });
    t.regex(error?.message ?? '', /the rows done before are gone; import the file from the start, without --resume/);
  }
  t.deepEqual(adopted, []);
  // A node that cannot be reached now is looked at when it comes.
  resumed.begin(clusterOf({ ...life, nodes: { '127.0.0.2:1': 'b1' } }));
  t.deepEqual(adopted, [life]);
});

test('an import goes on only with the same file', async (t) => {
  const file = join(folderFor(t), 'all.ndjson');
  writeFileSync(file, 'one\ntwo\n');
  const facts = (await fileFacts(file)) as FileFacts;
  await t.throwsAsync(ImportNotes.open(file, facts, true, quiet), {
    code: 'KV_USAGE',
    message: /nothing was interrupted/,
  });
  const notes = await ImportNotes.open(file, facts, false, quiet);
  notes.begin({ life } as ClusterLife);
  await notes.advance(4, 1, 1, 0);
  await Promise.all([notes.write(), notes.advance(8, 1, 0, 1), notes.write(), notes.write()]);
  t.deepEqual((await ImportNotes.open(file, facts, true, quiet)).note, {
    size: 8,
    mtimeMs: facts.mtimeMs,
    offset: 8,
    lines: 2,
    rows: 1,
    failed: 1,
    life,
  });
  appendFileSync(file, 'three\n');
  const changed = (await fileFacts(file)) as FileFacts;
  await t.throwsAsync(ImportNotes.open(file, changed, true, quiet), { message: /has changed/ });
  await notes.remove();
  t.false(existsSync(`${file}.import-progress`));
});

test('an import whose note cannot be written says so once, and goes on', async (t) => {
  const file = join(folderFor(t), 'all.ndjson');
  writeFileSync(file, 'one\ntwo\n');
  mkdirSync(importNoteOf(file)); // in the way, also of a user who may write everywhere
  const told: string[] = [];
  const facts = (await fileFacts(file)) as FileFacts;
  const notes = await ImportNotes.open(file, facts, false, (message) => told.push(message));
  await notes.write();
  await notes.advance(4, 1, 1, 0);
  await notes.write();
  t.is(told.length, 1);
  t.regex(told[0] ?? '', /^cannot write: .*import-progress/);
  t.false(notes.isThere);
  await notes.remove();
});
