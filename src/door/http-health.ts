/** What `/livez` and `/readyz` answer: the head of an HTTP request in, a whole response out. */

/** What stands in the way, in words; nothing: all is well. Whoever can connect reads them, without any login. */
export interface HealthSource {
  /** Why the process should be started anew. */
  live(): readonly string[];
  /** Why requests should go elsewhere, or a rolling restart should wait. */
  ready(): readonly string[];
}

const WORDS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  431: 'Request Header Fields Too Large',
  503: 'Service Unavailable',
};

const REASONS_MAX = 10;
const USUAL_METHODS: readonly string[] = ['GET', 'HEAD'];
/** Method, path, query, version. What the other lines of the head say does not matter here. */
const REQUEST_LINE = /^([A-Z]+) ([^ ?#]+)(?:[?#][^ ]*)? HTTP\/1\.[01]\r?\n/;

/** `head`: from the request line to the empty line. */
export function healthResponse(head: string, health: HealthSource): string {
  const [, method, path] = REQUEST_LINE.exec(head) ?? [];
  if (method === undefined || path === undefined) return refusal(400, 'this is no HTTP/1.1 request');
  if (path !== '/livez' && path !== '/readyz') return response(404, { error: 'there are /livez and /readyz' }, method);
  if (!USUAL_METHODS.includes(method)) return response(405, { error: 'only GET and HEAD' }, method);
  const reasons = path === '/livez' ? health.live() : health.ready();
  if (reasons.length === 0) return response(200, { status: 'ok' }, method);
  return response(503, { status: 'no', reasons: reasons.slice(0, REASONS_MAX) }, method);
}

/** The answer to what cannot be read as a request at all. */
export function refusal(status: 400 | 431, error: string): string {
  return response(status, { error }, 'GET');
}

function response(status: number, document: object, method: string): string {
  const body = `${JSON.stringify(document)}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${WORDS[status]}`,
    'Content-Type: application/json',
    `Content-Length: ${new TextEncoder().encode(body).length}`,
    ...(status === 405 ? [`Allow: ${USUAL_METHODS.join(', ')}`] : []),
    'Cache-Control: no-store',
    'Connection: close',
  ];
  return `${lines.join('\r\n')}\r\n\r\n${method === 'HEAD' ? '' : body}`;
}
