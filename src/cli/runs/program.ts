/** @file The commands below `medtune runs`. Each is one file of this folder, imported when it is called. */
import type { Command } from 'commander'

/** Runs a command's own work and turns what it throws into a message and an exit code. */
type Run = (action: () => Promise<number>, json: boolean) => Promise<void>

export function addRunsCommands(program: Command, run: Run): void {
  const runs = program.command('runs').description('Look after the runs that were made.')
  runs
    .command('verify')
    .description('Hash again what a run used and wrote, and say what changed.')
    .argument('<run>', "the run's folder")
    .option('--json', 'print what was found as one JSON object on stdout')
    .action((folder: string, options: { readonly json?: boolean }) =>
      run(async () => (await import('./verify.ts')).verify(folder, options), Boolean(options.json)),
    )
}
