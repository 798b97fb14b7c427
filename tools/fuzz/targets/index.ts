/** All targets, by name. Frames of the golden files of the protocol are seeds of those that read frames. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Target } from '../target.ts';
import { bulkTarget } from './bulk.ts';
import { clientTarget } from './client.ts';
import { codecsTarget } from './codecs.ts';
import { decoderTarget } from './decoder.ts';
import { loginTarget } from './login.ts';
import { peerTarget } from './peer.ts';
import { requestsTarget } from './requests.ts';
import { textsTarget } from './texts.ts';

const golden = fileURLToPath(new URL('../../../test/protocol/golden/v1/', import.meta.url));

function goldenFrames(): Uint8Array[] {
  return readdirSync(golden)
    .filter((name) => name.endsWith('.hex'))
    .sort()
    .map((name) => new Uint8Array(Buffer.from(readFileSync(join(golden, name), 'latin1').replace(/\s/g, ''), 'hex')));
}

const makers: Readonly<Record<string, (seeds: readonly Uint8Array[]) => Target>> = {
  decoder: decoderTarget,
  codecs: codecsTarget,
  texts: textsTarget,
  bulk: bulkTarget,
  login: loginTarget,
  requests: requestsTarget,
  peer: peerTarget,
  client: clientTarget,
};

export const targetNames: readonly string[] = Object.keys(makers);

/** Those named. */
export function targets(names: readonly string[]): Target[] {
  const seeds = goldenFrames();
  return names.map((name) => (makers[name] as (typeof makers)[string])(seeds));
}
