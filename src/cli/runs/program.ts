/** @file The commands below `medtune runs`. Each is one file of this folder, imported when it is called. */
import type { Command } from 'commander'
import { RUN, RUNS_DIR } from '../run-arguments.ts'
import type { ListOptions } from './list.ts'
import type { RemoveOptions } from './rm.ts'
import type { VerifyOptions } from './verify.ts'

/** Runs a command's own work and turns what it throws into a message and an exit code. */
type Run = (action: () => Promise<number>, json: boolean) => Promise<void>

interface Place {
  readonly runsDir: string
}

export function addRunsCommands(program: Command, run: Run): void {
  const runs = program.command('runs').description('List the runs that were made, and look after them.')
  runs
    .command('list', { isDefault: true })
    .description(
      'Which runs there are, how they went, and what tells them apart. This is what "medtune runs" does.',
    )
    .option(...RUNS_DIR)
    .option('--filter <query>', 'such as: status = done and adapter.rank >= 8 and not name ~ "try"')
    .option('--sort <field>', 'by a figure or setting, such as loss; -loss puts the largest first')
    .option('--columns <fields>', 'show these, separated by commas')
    .option('--limit <n>', 'show the first so many')
    .option('--csv', 'print a table for a spreadsheet')
    .option('--json', 'print the rows as JSON')
    .action((options: ListOptions) =>
      run(async () => (await import('./list.ts')).list(options), Boolean(options.json)),
    )
  runs
    .command('tag')
    .description('Add tags to a run; -name takes one away. Without tags, print those it has.')
    .argument('<run>', RUN)
    .argument('[tags...]', 'best baseline -draft')
    .option(...RUNS_DIR)
    .allowUnknownOption()
    .action((word: string, tags: string[], options: Place) =>
      run(async () => (await import('./tag.ts')).tag(word, tags, options.runsDir), false),
    )
  runs
    .command('note')
    .description('Write a note about a run; without a text, print it.')
    .argument('<run>', RUN)
    .argument('[text]', 'replaces the note; "" removes it')
    .option(...RUNS_DIR)
    .action((word: string, text: string | undefined, options: Place) =>
      run(async () => (await import('./tag.ts')).note(word, text, options.runsDir), false),
    )
  addTrashCommands(runs, run)
  runs
    .command('verify')
    .description('Hash again what a run used and wrote, and say what changed.')
    .argument('<run>', RUN)
    .option(...RUNS_DIR)
    .option('--json', 'print what was found as one JSON object on stdout')
    .action((word: string, options: VerifyOptions) =>
      run(async () => (await import('./verify.ts')).verify(word, options), Boolean(options.json)),
    )
}

function addTrashCommands(runs: Command, run: Run): void {
  runs
    .command('rm')
    .description('Move runs, or whole sweeps, to the trash.')
    .argument('<runs...>', RUN)
    .option(...RUNS_DIR)
    .option('--purge', 'delete them for good, with what was derived from them')
    .option('--force', 'also one that is running')
    .action((words: string[], options: RemoveOptions) =>
      run(async () => (await import('./rm.ts')).remove(words, options), false),
    )
  runs
    .command('restore')
    .description('Bring runs back from the trash; without a name, list what is in it.')
    .argument('[runs...]', 'an id, or a part of one')
    .option(...RUNS_DIR)
    .action((words: string[], options: Place) =>
      run(async () => (await import('./rm.ts')).restore(words, options.runsDir), false),
    )
}
