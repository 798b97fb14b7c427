/** The native add-ons in this process, as Node.js itself reports them: shared objects whose name ends in `.node`. */

interface Report {
  readonly sharedObjects: readonly string[];
}

export function loadedAddons(): string[] {
  // Looking up the names of the other ends of sockets takes time and does not matter here.
  (process.report as { excludeNetwork?: boolean }).excludeNetwork = true;
  const { sharedObjects } = process.report.getReport() as unknown as Report;
  return sharedObjects.filter((path) => path.endsWith('.node'));
}

/** Whether Node.js refuses add-ons in this process or thread; told by the error, since the file does not exist. */
export function areAddonsRefused(): boolean {
  try {
    process.dlopen({ exports: {} }, '/there-is-no-such-file.node');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_DLOPEN_DISABLED';
  }
  return false;
}
