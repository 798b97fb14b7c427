/** A value in a sentence about a mistake: as it was written, and not too long. */

const LENGTH_MAX = 100;

/** As a file has it. */
export function shownJson(value: unknown): string {
  return shortened(JSON.stringify(value) ?? String(value));
}

/** As a command line or a variable has it. */
export function shownText(value: unknown): string {
  return typeof value === 'string' ? `'${shortened(value)}'` : shownJson(value);
}

function shortened(text: string): string {
  return text.length > LENGTH_MAX ? `${text.slice(0, LENGTH_MAX)}…` : text;
}
