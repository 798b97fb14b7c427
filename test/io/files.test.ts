/** Secret files: what is read, and what is refused. */
import { join } from 'node:path';
import test from 'ava';
import { readSecretFile } from '../../src/io/files.ts';
import { secretFile } from '../helpers/secret-file.ts';

for (const [content, secret] of [
  ['swordfish', 'swordfish'],
  ['swordfish\n', 'swordfish'],
  ['swordfish\r\n', 'swordfish'],
  ['two\nlines\n\n', 'two\nlines\n'],
  [' blanks ', ' blanks '],
] as const) {
  test(`${JSON.stringify(content)} holds ${JSON.stringify(secret)}`, async (t) => {
    t.is(Buffer.from(await readSecretFile(secretFile(t, content))).toString(), secret);
  });
}

test('any bytes, up to 4096', async (t) => {
  const bytes = new Uint8Array(4096).fill(0xff);
  t.deepEqual(await readSecretFile(secretFile(t, bytes)), bytes);
  const tooLong = secretFile(t, new Uint8Array(4097));
  await t.throwsAsync(readSecretFile(tooLong), { code: 'KV_USAGE', message: /has more than 4096 bytes/ });
});

for (const content of ['', '\n', '\r\n']) {
  test(`${JSON.stringify(content)} is refused as empty`, async (t) => {
    await t.throwsAsync(readSecretFile(secretFile(t, content)), {
      code: 'KV_USAGE',
      message: /^--secret-file: .* is empty$/,
    });
  });
}

test('a file that is not there, a folder', async (t) => {
  const path = secretFile(t, 'x');
  await t.throwsAsync(readSecretFile(`${path}-not`), {
    code: 'KV_USAGE',
    message: /^--secret-file: .*secret-not does not exist/,
  });
  await t.throwsAsync(readSecretFile(join(path, '..')), {
    code: 'KV_USAGE',
    message: /^--secret-file: .* is a folder, not a file/,
  });
});
