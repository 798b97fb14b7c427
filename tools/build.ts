/** `npm run build`: brings .dist/ up to date; run by npm before packing too (`prepare`). */
import { fileURLToPath } from 'node:url';
import { buildIfChanged } from './build/build.ts';

const { exitCode } = await buildIfChanged(fileURLToPath(new URL('..', import.meta.url)));
process.exitCode = exitCode;
