// fenced-service.ts
import { open, readFile, rename } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Lock } from '../../src/index.ts';

interface Report {
  readonly token: bigint;
  readonly text: string;
}

/** Keeps one report in one file: PUT stores it, GET gives it. Whoever names a token is refused when a larger one was here. */
export async function reportService(file: string): Promise<Server> {
  let report = await load(file);
  let highest = report.token;
  let last: Promise<unknown> = Promise.resolve();

  /** Compares, remembers and stores. False: too late. */
  async function take(token: bigint, body: string | null): Promise<boolean> {
    if (token < highest) return false;
    const next = { token, text: body ?? report.text };
    highest = token; // at once: if the disk fails, nobody older may come after all
    if (body !== null || token > report.token) await save(file, next);
    report = next;
    return true;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isPut = request.method === 'PUT';
    const body = isPut ? await text(request) : null;
    const header = request.headers['fencing-token'];
    if (header === undefined && !isPut) return void response.end(report.text);
    if (header === undefined) return void response.writeHead(428).end('Fencing-Token is missing\n');
    const token = tokenIn(String(header));
    if (token === null) return void response.writeHead(400).end('Fencing-Token is an unsigned 64-bit number\n');
    const taken = last.then(() => take(token, body)); // one after the other, so that nothing comes between look and store
    last = taken.catch(() => undefined);
    if (await taken) response.end(report.text);
    else response.writeHead(412).end(`token ${highest} was here\n`);
  }

  return createServer((request, response) => {
    answer(request, response).catch(() => (response.headersSent ? response.destroy() : response.writeHead(500).end()));
  });
}

/** A token is larger than what a Number holds exactly. */
function tokenIn(header: string): bigint | null {
  const token = /^\d{1,20}$/.test(header) ? BigInt(header) : 2n ** 64n;
  return token < 2n ** 64n ? token : null;
}

async function load(file: string): Promise<Report> {
  try {
    const { token, text } = JSON.parse(await readFile(file, 'utf8'));
    return { token: BigInt(token), text };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { token: 0n, text: '' };
    throw error; // a service that forgets its token would let everybody in
  }
}

/** Token and text change in one step, which a crash does not undo once it is done. */
async function save(file: string, { token, text }: Report): Promise<void> {
  await using next = await open(`${file}.next`, 'w');
  await next.writeFile(JSON.stringify({ token: String(token), text }));
  await next.sync();
  await rename(`${file}.next`, file);
  await using folder = await open(dirname(file));
  await folder.sync();
}

export class LateRequestError extends Error {}

/** Stores the report (`body`), or reads it (null), as the holder of the lock. */
export async function asHolder(
  url: string,
  lock: Pick<Lock, 'token' | 'signal'>,
  body: string | null,
): Promise<string> {
  const { token, signal } = lock;
  const headers = { 'Fencing-Token': String(token) };
  const response = await fetch(url, { method: body === null ? 'GET' : 'PUT', headers, body, signal });
  const answer = await response.text();
  if (response.status === 412) throw new LateRequestError(answer.trim());
  if (!response.ok) throw new Error(`${response.status}: ${answer}`);
  return answer;
}
