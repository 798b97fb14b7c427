/** The three ways to start the same Node.js, and what each of them must show. */

export interface Mode {
  readonly name: string;
  readonly execArgv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What is wrong with the add-ons that were loaded; null: nothing. */
  fault(addons: readonly string[]): string | null;
}

const BUFFERUTIL = 'bufferutil';

function hasBufferutil(addons: readonly string[]): boolean {
  return addons.some((path) => path.includes(BUFFERUTIL));
}

function listed(addons: readonly string[]): string {
  return addons.length === 0 ? 'none' : addons.join(', ');
}

export const native: Mode = {
  name: 'native add-ons',
  execArgv: [],
  env: {},
  fault: (addons) =>
    hasBufferutil(addons) ? null : `bufferutil must be loaded, and is not; loaded: ${listed(addons)}${whyAbsent()}`,
};

export const withoutBufferutil: Mode = {
  name: 'WS_NO_BUFFER_UTIL=1',
  execArgv: [],
  env: { WS_NO_BUFFER_UTIL: '1' },
  fault: (addons) =>
    hasBufferutil(addons) ? `bufferutil must not be loaded, and is; loaded: ${listed(addons)}` : null,
};

export const withoutAddons: Mode = {
  name: '--no-addons',
  execArgv: ['--no-addons'],
  env: {},
  fault: (addons) => (addons.length === 0 ? null : `no add-on must be loaded; loaded: ${listed(addons)}`),
};

export const modes: readonly Mode[] = [native, withoutBufferutil, withoutAddons];

/** Ours, without what would put a mode on all of them. */
export function environmentOf({ env }: Mode): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, WS_NO_BUFFER_UTIL: _without, ...others } = process.env;
  return { ...others, ...env };
}

function whyAbsent(): string {
  return `. ws does without it where Node.js masks frames itself, and the package brings binaries for some systems only (this is ${process.platform}-${process.arch})`;
}
