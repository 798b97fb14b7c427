/**
 * `node tools/ci.ts TESTS CODE SMOKE CODE`: prints ava's closing lines and last `N passed, N failed`. TESTS and SMOKE are
 * files with the output of the two runs, CODE are their exit codes. Ends with 1 if anything failed.
 */
import { readFileSync } from 'node:fs';
import { tallySmoke, tallyTests } from './ci/tally.ts';

const [testFile = '', testCode, smokeFile = '', smokeCode] = process.argv.slice(2);
const tests = tallyTests(readFileSync(testFile, 'utf8'), Number(testCode));
const smoke = tallySmoke(readFileSync(smokeFile, 'utf8'), Number(smokeCode));
const failed = tests.failed + smoke.failed;

console.log(tests.closing.join('\n'));
console.log(`${tests.passed + smoke.passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
