/** V8's precise coverage of the thread this runs in: which functions and blocks ran since the last look. */
import { type Profiler, Session } from 'node:inspector';

export interface ScriptCoverage {
  /** Path from the repository's root. */
  readonly path: string;
  readonly functions: readonly Profiler.FunctionCoverage[];
}

export class Tracer {
  readonly #session: Session = new Session();
  readonly #root: string;
  /** Milliseconds spent looking. */
  spentMs = 0;
  takes = 0;

  /** `root`: URL of the repository's root, with a slash at its end. Scripts outside of it do not count. */
  constructor(root: string) {
    this.#root = root;
  }

  /** To be called before the code under test is loaded: what has run already is not told. */
  start(): void {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  stop(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  /** What ran since the last call, in files that begin with one of `files`. The callback runs before `post` returns. */
  take(files: readonly string[]): ScriptCoverage[] {
    const from = performance.now();
    let found: ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error !== null) throw error;
      found = answer.result
        .filter(({ url }) => url.startsWith(this.#root))
        .map(({ url, functions }) => ({ path: url.slice(this.#root.length), functions }))
        .filter(({ path }) => files.some((prefix) => path.startsWith(prefix)));
    });
    this.spentMs += performance.now() - from;
    this.takes += 1;
    return found;
  }
}
