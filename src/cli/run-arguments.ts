/** @file What the commands that take a run say of it: one way of naming runs, see named-run.ts. */

/** The option that says where runs are looked for. */
export const RUNS_DIR = ['--runs-dir <dir>', 'the folder of run folders', 'runs'] as const
/** An argument that names a run. */
export const RUN = 'a run folder, or a part of its name that no other run has'
/** An argument that names a sweep. */
export const SWEEP = "a sweep's folder, or a part of its name that no other sweep has"
