/** @file `medtune sweep` and the commands below it. Each is one file of this folder, imported when it is called. */

import { type Command, InvalidArgumentError } from 'commander'
import type { AgentFlags } from '../agent.ts'
import { SWEEP } from '../run-arguments.ts'
import type { WorkerFlags } from '../worker.ts'

/** Runs a command's own work and turns what it throws into a message and an exit code. */
type Run = (action: () => Promise<number>, json: boolean) => Promise<void>

export interface SweepFlags {
  readonly runsDir: string
  readonly json?: boolean
  readonly quiet?: boolean
}
export interface ResumeFlags extends SweepFlags {
  readonly runCap?: number
  readonly timeCap?: string
  readonly workers?: number
}
export interface BestFlags {
  readonly runsDir: string
  readonly json?: boolean
  readonly top: number
  readonly against?: string
  readonly write?: string
  readonly varied?: boolean
  readonly force?: boolean
}

export function addSweepCommands(program: Command, run: Run): void {
  const sweep = program
    .command('sweep')
    .description('Run a recipe many times with other values, and find the best ones.')
    .argument('<sweep>', 'a sweep file, or the name of one that ships with medtune (lora-rank)')
    .argument('[overrides...]', 'change any key of the sweep: run_cap=8 workers=2 executor.use=slurm')
    .option('--runs-dir <dir>', 'where the sweep folder is made, and sweeps are looked for by name', 'runs')
    .option('--json', 'print what came of it as one JSON object on stdout')
    .option('--quiet', 'no progress on stderr')
    .action((file: string, overrides: string[], flags: SweepFlags) =>
      run(async () => (await import('./run.ts')).start(file, overrides, flags), Boolean(flags.json)),
    )
  sweep
    .command('resume')
    .description('Go on with a sweep that was stopped or killed, or give a finished one more trials.')
    .argument('<sweep>', SWEEP)
    .option('--run-cap <n>', 'so many trials in all', atLeastOne)
    .option('--time-cap <time>', 'from now on: seconds, 90m, 12h, 2d')
    .option('--workers <n>', 'so many trials at once', atLeastOne)
    .option('--json', 'print what came of it as one JSON object on stdout')
    .option('--quiet', 'no progress on stderr')
    .action((word: string, _: unknown, command: Command) => {
      const flags = command.optsWithGlobals<ResumeFlags>()
      return run(async () => (await import('./run.ts')).resume(word, flags), Boolean(flags.json))
    })
  sweep
    .command('status')
    .description('Show how the trials of a sweep stand.')
    .argument('<sweep>', SWEEP)
    .option('--json', 'print it as one JSON object')
    .action((word: string, _: unknown, command: Command) => {
      const flags = command.optsWithGlobals<SweepFlags>()
      return run(async () => (await import('./status.ts')).status(word, flags), Boolean(flags.json))
    })
  sweep
    .command('best')
    .description('Show the best trials and what made them so; write the recipe of the winner.')
    .argument('<sweep>', SWEEP)
    .option('--top <n>', 'so many of them', atLeastOne, 5)
    .option('--against <metric>', 'show which trials are best in both: train.trainable:min, seconds')
    .option('--write <file>', "write the winner's recipe to this file")
    .option(
      '--varied',
      'write only the values that differ between trials; the rest stays as the recipe has it',
    )
    .option('--force', 'overwrite the file')
    .option('--json', 'print it as one JSON object')
    .action((word: string, _: unknown, command: Command) => {
      const flags = command.optsWithGlobals<BestFlags>()
      return run(async () => (await import('./best.ts')).best(word, flags), Boolean(flags.json))
    })
  addWorkers(program, run)
}

/** What runs trials: one that users start, and those that executors start. */
function addWorkers(program: Command, run: Run): void {
  program
    .command('worker')
    .description('Run trials of sweeps that come over a queue in Redis, until it is told to stop.')
    .option('--queue <url>', 'redis://host:6379; MEDTUNE_QUEUE if left out')
    .option('--name <name>', 'the queue, as the sweep names it', 'medtune')
    .option('--trials <n>', 'so many at once', atLeastOne, 1)
    .option(
      '--folder <dir>',
      'where trials of sweeps on other disks are worked on; a temporary one if left out',
    )
    .option('--own-disk', "never write into a sweep's folder, even where it is seen from here")
    .option(
      '--lease <seconds>',
      'without a sign of life for so long, its trials are given to others',
      atLeastOne,
      30,
    )
    .option('--quiet', 'nothing on stderr')
    .action((flags: WorkerFlags) => run(async () => (await import('../worker.ts')).worker(flags), false))
  program
    .command('agent', { hidden: true })
    .argument('<folder>')
    .option('--trials <n>', '', atLeastOne)
    .option('--idle <seconds>', '', Number, 300)
    .action((folder: string, flags: AgentFlags) =>
      run(async () => (await import('../agent.ts')).agent(folder, flags), false),
    )
  program
    .command('trial', { hidden: true })
    .argument('<file>')
    .action((file: string) => run(async () => (await import('../trial.ts')).trial(file), false))
}

function atLeastOne(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('give a whole number of at least 1.')
  return value
}
