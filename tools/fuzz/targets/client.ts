/**
 * A client whose node is hostile: any frames, in the login and as answers. Nothing is thrown where nobody catches it; every
 * request ends, with an answer or with a KeyvalError, soon after its deadline; and so does closing.
 */
import { KeyvalError } from '../../../src/errors.ts';
import * as op from '../../../src/protocol/opcode.ts';
import { mustHold, type Target } from '../target.ts';
import type { RecordingChannel } from '../world/channel.ts';
import { bytes, frame, number, readStream } from '../world/frames.ts';
import { FuzzedClient, REQUEST_MS } from '../world/fuzzed-client.ts';

const ENDPOINT = '127.0.0.1:6234';
const SECRET = new TextEncoder().encode('the secret');
const LARGE = 'x'.repeat(70_000);
const ENTRIES_MAX = 10_000;
/** Bits of an input's first byte. */
const Mode = { fuzzedLogin: 1, secret: 2, atOnce: 4, large: 8 } as const;
const LENGTH_MAX = 2 ** 24 - 1;
const STEP_MS = 100;
const STEPS = 12;

export function clientTarget(seeds: readonly Uint8Array[]): Target {
  return {
    name: 'client',
    files: ['src/client/', 'src/protocol/', 'src/base/'],
    framesFrom: 1,
    inputBytesMax: 2048,
    inputsPerLife: 1,
    seeds: [...ownSeeds(), ...seeds.flatMap((seed) => [bytes(0, seed), bytes(Mode.fuzzedLogin, seed)])],
    words: [bytes(14, ENDPOINT), number(4, 0xffff_ffff), bytes(1, number(8, 5n))],
    reset: () => undefined,
    run,
  };
}

async function run(input: Uint8Array): Promise<void> {
  const mode = input[0] ?? 0;
  const world = new FuzzedClient(ENDPOINT, mode & Mode.secret ? SECRET : null);
  await world.rest();
  if ((mode & Mode.fuzzedLogin) === 0) {
    world.channels[0]?.receive(frame(op.WLCM, 0, welcomeBody()));
    await world.rest();
  }
  const requests = new Requests();
  ask(world, requests, (mode & Mode.large) !== 0);
  await world.rest();
  await feed(world, input.subarray(1), (mode & Mode.atOnce) !== 0);
  for (let step = 0; step < STEPS && requests.open > 0; step += 1) await world.pass(STEP_MS);
  mustHold(requests.open === 0, `every request ends: ${requests.openNames.join(', ')}`);
  requests.add('close', world.client.close());
  for (let step = 0; step < STEPS && requests.open > 0; step += 1) await world.pass(STEP_MS * 2);
  mustHold(requests.open === 0, 'closing ends');
  if (requests.wrong !== null) throw requests.wrong;
}

/** Requests under way, and the first error that is none of ours. */
class Requests {
  open = 0;
  openNames: string[] = [];
  wrong: unknown = null;

  add(name: string, request: Promise<unknown>): void {
    this.open += 1;
    this.openNames.push(name);
    const ended = (): void => {
      this.open -= 1;
      this.openNames = this.openNames.filter((other) => other !== name);
    };
    request.then(ended, (error: unknown) => {
      ended();
      if (!(error instanceof KeyvalError)) this.wrong ??= error;
    });
  }
}

function ask({ client }: FuzzedClient, requests: Requests, large: boolean): void {
  requests.add('get', client.get('a'));
  requests.add('getEntry', client.getEntry('b'));
  requests.add('scan', walk(client.scan({ pageSize: 10 })));
  requests.add('ping', client.ping());
  requests.add('status', client.status());
  requests.add('put', client.put('key', large ? LARGE : 'value'));
  requests.add('incr', client.incr('n'));
  requests.add('delete', client.delete('d', { ifRevision: 5n }));
  requests.add('cas', client.cas('c', 0n, 'value'));
  requests.add('lock', client.lock('l', { waitMs: 100, timeoutMs: REQUEST_MS }));
}

async function walk(entries: AsyncIterable<unknown>): Promise<void> {
  let seen = 0;
  for await (const _entry of entries) {
    seen += 1;
    if (seen > ENTRIES_MAX) return;
  }
}

async function feed(world: FuzzedClient, stream: Uint8Array, atOnce: boolean): Promise<void> {
  if (atOnce) {
    latest(world)?.receive(stream);
    return world.rest();
  }
  let at = 0;
  for (const { body } of readStream(stream, LENGTH_MAX).frames) {
    latest(world)?.receive(stream.subarray(at, at + 12 + body.length));
    at += 12 + body.length;
    await world.rest();
  }
  latest(world)?.receive(stream.subarray(at));
  await world.rest();
}

function latest({ channels }: FuzzedClient): RecordingChannel | undefined {
  return channels.at(-1);
}

/** Two partitions, one member. */
function tableBody(version = 1, primary = 0): Uint8Array {
  const primaries = bytes(number(2, primary), number(2, primary));
  return bytes(number(4, version), number(2, 2), number(2, 0), number(2, 1), 14, ENDPOINT, primaries);
}

function welcomeBody(): Uint8Array {
  const node = bytes(number(6, 7), 2, 'c1', 14, ENDPOINT);
  return bytes(number(2, 1), new Uint8Array(8).fill(1), new Uint8Array(32), tableBody(), node);
}

function ownSeeds(): Uint8Array[] {
  const done = (id: number, outcome = 1, payload: Uint8Array = bytes()): Uint8Array =>
    frame(op.DONE, id, outcome, number(8, 77n), payload);
  const got = (id: number, flags: number, value: string | Uint8Array): Uint8Array =>
    frame(op.GOTK, id, flags, number(8, 5n), number(6, 9), value);
  const page = (id: number, cursor: number, count: number, ...entries: Uint8Array[]): Uint8Array =>
    frame(op.SCND, id, number(2, 0), number(8, 1n), number(4, cursor), number(4, count), ...entries);
  const entry = bytes(number(2, 1), number(4, 3), number(8, 9n), number(6, 0), 'k', 'val');
  const left = bytes(number(2, 1), number(4, 0xffff_ffff), number(8, 9n), number(6, 0), 'k');
  const ids = Array.from({ length: 14 }, (_, index) => index + 1);
  const each = (make: (id: number) => Uint8Array): Uint8Array => bytes(...ids.map(make));
  const good = bytes(
    got(1, 1, 'value'),
    got(2, 3, number(4, 6)),
    frame(op.FRAG, 2, number(4, 0), 'abc'),
    frame(op.FRAG, 2, number(4, 3), 'def'),
    page(3, 7, 2, entry, left),
    frame(op.PONG, 4),
    frame(op.STAD, 5, '{"keys":1}'),
  );
  return [
    bytes(0, good, ...ids.slice(5).map((id) => done(id))),
    bytes(Mode.atOnce, good, ...ids.slice(5).map((id) => done(id))),
    bytes(Mode.large, good, ...ids.slice(5).map((id) => done(id)), frame(op.STGD, 8)),
    bytes(
      0,
      each((id) => done(id)),
      each((id) => done(id + 14)),
    ),
    bytes(
      0,
      each((id) => done(id)),
      ...ids.map((id) => frame(op.LKDK, id, number(8, 3n))),
    ),
    bytes(
      0,
      each((id) => done(id)),
      frame(op.WAIT, 12),
      frame(op.LKDK, 12, number(8, 3n)),
    ),
    bytes(
      0,
      each((id) => done(id, 0)),
      each((id) => done(id, 0, number(8, 1))),
    ),
    ...[0, 1, 2, 3, 4, 5, 7, 10, 20, 30].map((code) =>
      bytes(
        0,
        each((id) => frame(op.FAIL, id, number(2, code), 'no')),
      ),
    ),
    bytes(
      0,
      each((id) => frame(op.MOVD, id, number(2, 0), number(2, 0))),
    ),
    bytes(
      0,
      each((id) => frame(op.MOVD, id, number(2, 0), number(2, 0xffff), 1)),
      frame(op.TABL, 0, tableBody(2)),
      each((id) => done(id + 14)),
    ),
    bytes(0, frame(op.TABL, 0, tableBody(2, 0xffff)), frame(op.TABL, 0, tableBody(3))),
    bytes(
      0,
      each((id) => page(id, 0, 1, entry)),
    ),
    bytes(
      0,
      each((id) => got(id, 0, '')),
    ),
    bytes(
      0,
      each((id) => frame(op.KEPT, id, number(2, 1), number(2, 0))),
    ),
    bytes(
      0,
      each((id) => frame(op.KEPT, id, number(2, 0), number(2, 1), number(2, 0))),
    ),
    bytes(Mode.fuzzedLogin, frame(op.WLCM, 0, welcomeBody()), good),
    bytes(Mode.fuzzedLogin | Mode.secret, frame(op.CHAL, 0, new Uint8Array(16)), frame(op.WLCM, 0, welcomeBody())),
    bytes(Mode.fuzzedLogin, frame(op.FAIL, 0, number(2, 3), 'no')),
  ];
}
