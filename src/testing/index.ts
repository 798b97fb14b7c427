/**
 * `keyval/testing`: a whole cluster in one process, decided by a seed (`simulate`), and the judge of client histories
 * (`judgeHistory`).
 */
export { type JudgeOptions, judgeHistory, type Verdict, type Violation } from './checkers/index.ts';
export { type Fault, type FaultKind, faultKinds } from './faults.ts';
export { type SimulatedCluster, type SimulateOptions, type SimulationResult, simulate } from './simulate.ts';
export type { Breach } from './world.ts';
