/** HTTP on the port of the frames: what is asked for however it is cut, what is refused, and that nothing stays. */
import test from 'ava';
import fc from 'fast-check';
import { HEAD_BYTES_MAX, HttpDoor } from '../../src/door/http-door.ts';
import type { HealthSource } from '../../src/door/http-health.ts';

const well: HealthSource = { live: () => [], ready: () => [] };
const ill: HealthSource = {
  live: () => ['stalled'],
  ready: () => Array.from({ length: 30 }, (_, at) => `reason ${at}`),
};

/** What is answered, and after how many of the pieces. */
function answer(health: HealthSource, ...pieces: readonly string[]): { text: string; after: number } | null {
  const door = new HttpDoor(health);
  for (const [index, piece] of pieces.entries()) {
    const found = door.received(Buffer.from(piece, 'latin1'));
    if (found !== null) return { text: Buffer.from(found).toString(), after: index + 1 };
  }
  return null;
}

interface Parsed {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

function parsed(text: string): Parsed {
  const [head = '', body = ''] = text.split('\r\n\r\n');
  const [line = '', ...headers] = head.split('\r\n');
  const [, status] = /^HTTP\/1\.1 (\d{3}) [A-Z][A-Za-z ]+$/.exec(line) ?? [];
  const pairs = headers.map((header) => header.split(': ') as [string, string]);
  return { status: Number(status), headers: new Map(pairs), body };
}

function ask(request: string, health: HealthSource = well): Parsed {
  return parsed(answer(health, request)?.text ?? '');
}

test('/livez and /readyz: 200 and ok when nothing stands in the way', (t) => {
  for (const path of ['/livez', '/readyz', '/readyz?verbose=1', '/livez?'])
    t.like(
      ask(`GET ${path} HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n`),
      { status: 200, body: '{"status":"ok"}\n' },
      path,
    );
  t.is(ask('GET /livez HTTP/1.0\r\n\r\n').status, 200);
  t.is(ask('GET /livez HTTP/1.1\n\n').status, 200, 'typed by hand');
});

test('503 with the reasons, ten at most', (t) => {
  t.like(ask('GET /livez HTTP/1.1\r\n\r\n', ill), { status: 503, body: '{"status":"no","reasons":["stalled"]}\n' });
  const { status, body } = ask('GET /readyz HTTP/1.1\r\n\r\n', ill);
  t.is(status, 503);
  t.deepEqual((JSON.parse(body) as { reasons: string[] }).reasons, ill.ready().slice(0, 10));
});

test('the length is that of the body, the connection ends, nothing is kept by proxies', (t) => {
  for (const health of [well, { ...well, ready: () => ['fünf von 6 Teilen'] }]) {
    const { headers, body } = ask('GET /readyz HTTP/1.1\r\n\r\n', health);
    t.is(Number(headers.get('Content-Length')), Buffer.byteLength(body));
    t.is(headers.get('Connection'), 'close');
    t.is(headers.get('Cache-Control'), 'no-store');
    t.is(headers.get('Content-Type'), 'application/json');
  }
});

test('HEAD: the same without the body', (t) => {
  const [get, head] = ['GET', 'HEAD'].map((method) => ask(`${method} /readyz HTTP/1.1\r\n\r\n`, ill)) as [
    Parsed,
    Parsed,
  ];
  t.deepEqual([head.status, head.headers, head.body], [get.status, get.headers, '']);
});

test('other paths are 404, other methods 405', (t) => {
  for (const path of ['/', '/livez/', '/healthz', '*', 'constructor', '__proto__', '//livez', 'http://a/livez'])
    t.is(ask(`GET ${path} HTTP/1.1\r\n\r\n`).status, 404, path);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const { status, headers } = ask(`${method} /livez HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello`);
    t.deepEqual([status, headers.get('Allow')], [405, 'GET, HEAD'], method);
  }
});

test('what is no request is 400, as soon as that is clear', (t) => {
  for (const [first, ...more] of [
    ['G@'],
    ['Get /livez'],
    ['A'.repeat(17)],
    ['GET\t/livez'],
    ['GE', 'T!'],
    ['HELO\0\0\0\0'],
  ])
    t.is(parsed(answer(well, first as string, ...more)?.text ?? '').status, 400, first);
  for (const line of [
    'GET /livez',
    'GET /livez HTTP/2',
    'GET  /livez HTTP/1.1',
    'GET /livez HTTP/1.1 x',
    'GET / HTTP/1.1\0',
  ])
    t.is(ask(`${line}\r\n\r\n`).status, 400, line);
});

test('nothing is answered before the head is whole, and its size is bounded', (t) => {
  t.is(answer(well, 'G', 'ET ', '/livez HTTP/1.1', '\r\n', 'Host: a', '\r\n'), null);
  const line = 'GET /livez HTTP/1.1\r\n';
  const filler = (length: number): string => `${line}${'a'.repeat(length - line.length - 4)}\r\n\r\n`;
  t.is(ask(filler(HEAD_BYTES_MAX)).status, 200);
  t.is(ask(filler(HEAD_BYTES_MAX + 1)).status, 431);
  t.is(ask('GET /'.padEnd(1_000_000, 'a')).status, 431);
  const single = answer(well, ...'GET /'.padEnd(10_000, 'a'));
  t.is(single?.after, HEAD_BYTES_MAX + 1, 'it takes no more than that');
});

test('a request in any pieces has one answer', (t) => {
  const request = 'GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:6234\r\nUser-Agent: probe\r\n\r\n';
  const whole = answer(ill, request)?.text;
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: request.length - 1 }), { maxLength: 12 }), (cuts) => {
      const places = [0, ...[...new Set(cuts)].sort((a, b) => a - b), request.length];
      const pieces = places.slice(1).map((end, index) => request.slice(places[index], end));
      const found = answer(ill, ...pieces);
      t.deepEqual([found?.text, found?.after], [whole, pieces.length]);
    }),
  );
});

test('no bytes break it', (t) => {
  const statuses = [200, 400, 404, 405, 431];
  const bytes = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.string({ maxLength: 60 }).map((text) => `GET ${text} HTTP/1.1\r\n\r\n`),
  );
  fc.assert(
    fc.property(bytes, (text) => {
      const found = answer(well, text, `\r\n\r\n${'x'.repeat(HEAD_BYTES_MAX)}`);
      t.true(statuses.includes(parsed(found?.text ?? '').status));
    }),
  );
});
