import test from 'ava';
import { bufferCodec, jsonCodec, stringCodec } from '../../src/client/codecs.ts';
import { type ConnectOptions, clientSettings, parseEndpoints } from '../../src/client/options.ts';
import type { KeyvalError } from '../../src/errors.ts';

function settings(options: Record<string, unknown> = {}): ReturnType<typeof clientSettings<string>> {
  return clientSettings<string>('127.0.0.1', options as ConnectOptions<string>, 'here:1');
}

/** Code and message of the refusal. */
function refusal(run: () => unknown): string {
  try {
    run();
    return 'nothing';
  } catch (error) {
    return `${(error as KeyvalError).code}: ${(error as KeyvalError).message}`;
  }
}

test('defaults', (t) => {
  t.deepEqual(settings(), {
    endpoints: ['127.0.0.1:6234'],
    codec: stringCodec,
    timeoutMs: 5000,
    connectTimeoutMs: 5000,
    leaseMs: 10_000,
    renewal: 'thread',
    hangBudgetMs: 5000,
    readFlags: 0,
    cluster: 'keyval',
    secret: null,
    name: 'here:1',
  });
});

test('what is given is taken', (t) => {
  const codec = { encode: () => new Uint8Array(0), decode: () => '' };
  const times = { timeoutMs: 1, connectTimeoutMs: 0.5, leaseMs: 100, hangBudgetMs: 170 };
  const given = { codec, ...times, renewal: 'main' as const, cluster: 'other', name: 'me', secret: 'ü' };
  const { endpoints: _, ...taken } = settings(given);
  t.deepEqual(taken, { ...given, readFlags: 0, secret: new Uint8Array(Buffer.from('ü')) });
  t.is(settings({ leaseMs: 300 }).hangBudgetMs, 150, 'half the lease');
  t.is(settings({ leaseMs: 100 }).hangBudgetMs, 100, 'or the least');
  t.is(settings({ hangBudgetMs: Number.POSITIVE_INFINITY }).hangBudgetMs, Number.POSITIVE_INFINITY);
  t.deepEqual(settings({ secret: Uint8Array.of(0, 1) }).secret, Uint8Array.of(0, 1));
  t.is(settings({ codec: 'buffer' }).codec as unknown, bufferCodec);
  t.is(settings({ codec: 'json' }).codec as unknown, jsonCodec);
  t.is(settings({ codec: 'string' }).codec, stringCodec);
  t.deepEqual(
    (['strict', 'lease', 'stale'] as const).map((reads) => settings({ reads }).readFlags),
    [16, 32, 48],
  );
});

test('every refusal names the option and what it may be', (t) => {
  const range = 'KV_USAGE: leaseMs is a whole number from 100 to 60000, not';
  for (const leaseMs of [99, 60_001, 100.5, Number.NaN])
    t.is(
      refusal(() => settings({ leaseMs })),
      `${range} ${leaseMs}`,
    );
  for (const hangBudgetMs of [99, 0, -1, Number.NaN])
    t.is(
      refusal(() => settings({ hangBudgetMs })),
      `KV_USAGE: hangBudgetMs is 100 or more, not ${hangBudgetMs}`,
    );
  for (const name of ['timeoutMs', 'connectTimeoutMs']) {
    for (const value of [0, -1, Number.NaN]) {
      t.is(
        refusal(() => settings({ [name]: value })),
        `KV_USAGE: ${name} must be above 0, not ${value}`,
      );
    }
  }
  t.is(
    refusal(() => settings({ renewal: 'off' })),
    "KV_USAGE: there is no renewal 'off'; use thread or main",
  );
  for (const codec of ['xml', 'toString'])
    t.is(
      refusal(() => settings({ codec })),
      `KV_USAGE: there is no codec '${codec}'; use string, buffer or json`,
    );
  t.regex(
    refusal(() => settings({ secret: '' })),
    /^KV_USAGE: .*secret.*empty/,
  );
  t.regex(
    refusal(() => settings({ secret: new Uint8Array(0) })),
    /^KV_USAGE: .*secret.*empty/,
  );
});

test('values of another kind, which would come to light in a callback of a socket or not at all', (t) => {
  for (const [name, value, rule] of [
    ['name', 5, 'a string, not 5'],
    ['cluster', 5, 'a string, not 5'],
    ['secret', 5, 'a string or a Uint8Array, not 5'],
    ['codec', null, 'string, buffer, json, or an object with encode() and decode(), not null'],
    ['codec', { encode: () => null }, 'string, buffer, json, or an object with encode() and decode(), not an object'],
    ['timeoutMs', '5', "a number, not '5'"],
    ['connectTimeoutMs', null, 'a number, not null'],
    ['leaseMs', '1000', "a number, not '1000'"],
    ['hangBudgetMs', 500n, 'a number, not 500n'],
    ['renewal', true, 'a string, not true'],
    ['reads', 5, 'a string, not 5'],
    ['signal', 5, 'an AbortSignal, not 5'],
  ] as const)
    t.is(
      refusal(() => settings({ [name]: value })),
      `KV_USAGE: connect: ${name} is ${rule}`,
    );
});

test('endpoints: a URL, several, with ports, IPv6, a list', (t) => {
  t.deepEqual(parseEndpoints('keyval://127.0.0.1'), ['127.0.0.1:6234']);
  t.deepEqual(parseEndpoints('127.0.0.1'), ['127.0.0.1:6234']);
  t.deepEqual(parseEndpoints('keyval://a.example,b:7000,[::1]:7001,[fe80::1]/'), [
    'a.example:6234',
    'b:7000',
    '[::1]:7001',
    '[fe80::1]:6234',
  ]);
  t.deepEqual(parseEndpoints(['keyval://a', 'b:1', '::1']), ['a:6234', 'b:1', '[::1]:6234']);
});

test('endpoints: each once', (t) => {
  t.deepEqual(parseEndpoints('a,a:6234,A,b'), ['a:6234', 'b:6234']);
});

test('endpoints: a bad one is refused, and the message says which', (t) => {
  for (const bad of ['', '127.0.0.256', 'a b', 'a:70000', 'a:0', '[::1', 'http://a', 'a:x', '1.2.3', '-a']) {
    t.is(
      refusal(() => parseEndpoints(['ok', bad])),
      `KV_USAGE: '${bad}' is no endpoint; write host, host:port or [v6]:port`,
    );
  }
  t.regex(
    refusal(() => parseEndpoints('keyval://a,,b')),
    /^KV_USAGE: '' is no endpoint/,
  );
  t.regex(
    refusal(() => parseEndpoints('keyval://')),
    /^KV_USAGE: '' is no endpoint/,
  );
});

test('endpoints: none at all is refused', (t) => {
  t.regex(
    refusal(() => parseEndpoints([])),
    /^KV_USAGE/,
  );
});
