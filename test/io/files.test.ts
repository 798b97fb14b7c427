/** Secret files: what is read, and what is refused. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readSecretFile } from '../../src/io/files.ts';

function fileWith(t: ExecutionContext, content: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyval-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'secret');
  writeFileSync(path, content);
  return path;
}

for (const [content, secret] of [
  ['swordfish', 'swordfish'],
  ['swordfish\n', 'swordfish'],
  ['swordfish\r\n', 'swordfish'],
  ['two\nlines\n\n', 'two\nlines\n'],
  [' blanks ', ' blanks '],
] as const) {
  test(`${JSON.stringify(content)} holds ${JSON.stringify(secret)}`, async (t) => {
    t.is(Buffer.from(await readSecretFile(fileWith(t, content))).toString(), secret);
  });
}

test('any bytes, up to 4096', async (t) => {
  const bytes = new Uint8Array(4096).fill(0xff);
  t.deepEqual(await readSecretFile(fileWith(t, bytes)), bytes);
  const tooLong = fileWith(t, new Uint8Array(4097));
  await t.throwsAsync(readSecretFile(tooLong), { code: 'KV_USAGE', message: /has more than 4096 bytes/ });
});

for (const content of ['', '\n', '\r\n']) {
  test(`${JSON.stringify(content)} is refused as empty`, async (t) => {
    await t.throwsAsync(readSecretFile(fileWith(t, content)), {
      code: 'KV_USAGE',
      message: /^--secret-file: .* is empty$/,
    });
  });
}

test('a file that is not there, a folder', async (t) => {
  const path = fileWith(t, 'x');
  await t.throwsAsync(readSecretFile(`${path}-not`), {
    code: 'KV_USAGE',
    message: /^--secret-file: ENOENT.*secret-not/,
  });
  await t.throwsAsync(readSecretFile(join(path, '..')), { code: 'KV_USAGE', message: /^--secret-file: EISDIR/ });
});
