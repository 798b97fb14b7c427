/** The notes beside exports and imports: what may be gone on with, and what is refused. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { FileTarget } from '../../../src/cli/bulk/export-target.ts';
import { ImportNotes, importNoteOf } from '../../../src/cli/bulk/import-note.ts';
import { type FileFacts, fileFacts } from '../../../src/io/long-files.ts';
import { folderFor } from '../../helpers/notes.ts';

const fresh = { partitions: 0, partitionsTotal: 16, prefix: 'user:', rows: 0, bytes: 0 };
const neither = { resume: false, force: false };
const quiet = (): void => undefined;
const resume = { resume: true, force: false };

test('an export goes on behind the partitions that are whole, and removes its note at the end', async (t) => {
  const file = join(folderFor(t), 'all.ndjson');
  const first = await FileTarget.open(file, fresh, neither);
  await first.append(Buffer.from('one\n'));
  await first.partitionDone(1);
  await first.append(Buffer.from('two\nthr'));
  t.true(await first.takeBack());
  t.is(readFileSync(file, 'utf8'), 'one\n');
  await first.append(Buffer.from('two\n'));
  appendFileSync(file, 'torn');
  const again = await FileTarget.open(file, fresh, resume);
  t.like(again.before, { partitions: 1, rows: 1, bytes: 4 });
  t.is(readFileSync(file, 'utf8'), 'one\n');
  await again.append(Buffer.from('two\n'));
  await again.partitionDone(1);
  await again.close(true);
  t.is(readFileSync(file, 'utf8'), 'one\ntwo\n');
  t.false(existsSync(`${file}.progress`));
});

test('an export refuses what it would destroy', async (t) => {
  const file = join(folderFor(t), 'all.ndjson');
  writeFileSync(file, 'precious\n');
  await t.throwsAsync(FileTarget.open(file, fresh, neither), { code: 'KV_USAGE', message: /--force writes over it/ });
  await t.throwsAsync(FileTarget.open(file, fresh, resume), { message: /the export is complete/ });
  await t.throwsAsync(FileTarget.open('/dev/null', fresh, neither), { message: /no ordinary file/ });
  t.is(readFileSync(file, 'utf8'), 'precious\n');
  const target = await FileTarget.open(file, fresh, { resume: false, force: true });
  t.is(readFileSync(file, 'utf8'), '');
  await target.append(Buffer.from('one\n'));
  await target.partitionDone(1);
  await t.throwsAsync(FileTarget.open(file, fresh, neither), { message: /--resume goes on with what it holds/ });
  await t.throwsAsync(FileTarget.open(file, { ...fresh, prefix: '' }, resume), {
    message: /begun with --prefix 'user:'/,
  });
  writeFileSync(file, '');
  await t.throwsAsync(FileTarget.open(file, fresh, resume), { message: /fewer than the 4 that were written/ });
  writeFileSync(`${file}.progress`, '{"partitions":-1}');
  await t.throwsAsync(FileTarget.open(file, fresh, resume), { message: /no note of an export/ });
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
  await notes.advance(4, 1, 1, 0);
  await Promise.all([notes.write(), notes.advance(8, 1, 0, 1), notes.write(), notes.write()]);
  t.deepEqual((await ImportNotes.open(file, facts, true, quiet)).note, {
    size: 8,
    mtimeMs: facts.mtimeMs,
    offset: 8,
    lines: 2,
    rows: 1,
    failed: 1,
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
