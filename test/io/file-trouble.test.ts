import { readFile } from 'node:fs/promises';
import test from 'ava';
import { fileTrouble } from '../../src/io/file-trouble.ts';

async function troubleOf(path: string): Promise<string> {
  return await readFile(path).then(
    () => 'none',
    (cause: unknown) => fileTrouble(path, cause),
  );
}

test('what the system says of a file is told in words', async (t) => {
  t.is(await troubleOf('/no/such'), '/no/such does not exist');
  t.is(await troubleOf('/'), '/ is a folder, not a file');
  t.is(await troubleOf('/etc/passwd/x'), '/etc/passwd/x lies below something that is not a folder');
});

test('what has no words of ours keeps its own', (t) => {
  t.is(fileTrouble('/x', new Error('the disk is on fire')), '/x: the disk is on fire');
  t.is(fileTrouble('/x', 'odd'), '/x: odd');
});
