/** A configuration file in a folder of its own, gone with the test. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** Its path. What is no text is written as JSON; `beside`: files next to it. */
export function configFile(
  t: ExecutionContext,
  content: unknown,
  beside: Readonly<Record<string, string>> = {},
): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyval-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(beside)) writeFileSync(join(folder, name), text);
  const path = join(folder, 'node.json');
  writeFileSync(path, typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content));
  return path;
}
