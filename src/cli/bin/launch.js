/**
 * What `npx keyval` and `npx keyval-node` run first. In a checkout it loads the source, so that no build can be stale;
 * an installed package has no source and loads the build. Plain JavaScript, so that a Node.js that is too old gets as
 * far as saying so.
 */
import { existsSync } from 'node:fs';

/** The same as `engines` in package.json: types can be stripped, `await using` works. */
const oldestNode = [22, 20];

/** Loads `src/cli/NAME.ts` or `.dist/cli/NAME.js`; the command line is left in `process.argv` for it. */
export async function launch(name) {
  const source = new URL(`../${name}.ts`, import.meta.url);
  const isCheckout = existsSync(source);
  if (isTooOld(process.versions.node)) return refuse(name, isCheckout);
  await import(isCheckout ? source : new URL(`../../../.dist/cli/${name}.js`, import.meta.url));
}

function isTooOld(version) {
  const [major, minor] = version.split('.').map(Number);
  return major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1]);
}

function refuse(name, isCheckout) {
  const hint = isCheckout ? ' `npm start` or `npm ci` in the checkout installs one that npx uses.' : '';
  console.error(`${name}: needs Node.js ${oldestNode.join('.')} or newer, this is ${process.versions.node}.${hint}`);
  process.exitCode = 1;
}
