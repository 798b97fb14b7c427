/** What the system says of a file, in words that tell what to do. */

const words: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EISDIR: 'is a folder, not a file',
  ENOTDIR: 'lies below something that is not a folder',
  EACCES: 'may not be opened by this user; check its permissions and those of the folders above',
  EPERM: 'may not be opened by this user; check its permissions and those of the folders above',
  EROFS: 'lies on a file system that is read-only',
  ENOSPC: 'lies on a device that is full',
  EDQUOT: "is beyond this user's quota",
  EMFILE: 'cannot be opened: this process has too many files open (ulimit -n)',
  ELOOP: 'is a link that leads back to itself',
  ENAMETOOLONG: 'has a name that is too long',
};

/** One clause about `path`. */
export function fileTrouble(path: string, cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException | null)?.code;
  const known = code === undefined ? undefined : words[code];
  if (known !== undefined) return `${path} ${known}`;
  return `${path}: ${cause instanceof Error ? cause.message : String(cause)}`;
}
