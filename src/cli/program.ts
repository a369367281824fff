/** @file The commands. Each is one file, imported when it is called: `--help` must not wait for a library. */
import { Command, CommanderError } from 'commander'
import { packageVersion } from '../util/package.ts'
import type { ChatFlags } from './chat.ts'
import type { CompareOptions } from './compare.ts'
import type { DashboardOptions } from './dashboard.ts'
import { exitCode, tellFailure } from './failure.ts'
import type { ResumeFlags } from './resume.ts'
import { RUN, RUNS_DIR } from './run-arguments.ts'
import { addRunsCommands } from './runs/program.ts'
import { addSweepCommands } from './sweep/program.ts'

/** A command's own work; resolves to the exit code. */
type Action = () => Promise<number>

interface RunOptions {
  readonly runsDir: string
  readonly json?: boolean
  readonly quiet?: boolean
  readonly from?: string
}
interface JsonOption {
  readonly json?: boolean
}
interface PushOptions extends JsonOption {
  readonly runsDir: string
  readonly public?: boolean
  readonly branch: string
  readonly message?: string
}
interface OutOption {
  readonly out?: string
}
interface InitOptions extends OutOption {
  readonly yes?: boolean
}
interface SchemaOptions extends OutOption {
  readonly sweep?: boolean
}

const RECIPE = 'a recipe file, or the name of one that ships with medtune (quickstart)'
const OVERRIDES = 'change any key of the recipe: adapter.rank=8 eval=[loss] dataset.use=jsonl'

type EvalOptions = import('./eval.ts').EvalFlags

type Run = (action: Action, json: boolean) => Promise<void>

function buildProgram(run: Run): Command {
  const program = new Command('medtune')
    .description('Fine-tune a language model from one YAML file.')
    .version(packageVersion())
    .option('--offline', 'use no network: a model or dataset that was not downloaded before is an error')
    .hook('preAction', (command) => {
      // For this process and those that it starts.
      if (command.opts<{ offline?: boolean }>().offline) process.env.MEDTUNE_OFFLINE = '1'
    })
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText('after', EXIT_CODES)
  addRecipeCommands(program, run)
  addResume(program, run)
  addChatCommand(program, run)
  addOtherCommands(program, run)
  addRunsCommands(program, run)
  addCompareCommand(program, run)
  addSweepCommands(program, run)
  addEvalCommand(program, run)
  addDashboardCommand(program, run)
  return program
}

/** The commands that take a recipe and overrides. */
function addRecipeCommands(program: Command, run: Run): void {
  const recipeCommand = (name: string, summary: string) =>
    program
      .command(name)
      .description(summary)
      .argument('<recipe>', RECIPE)
      .argument('[overrides...]', OVERRIDES)

  program
    .command('run')
    .description('Train, evaluate and record what a recipe describes.')
    .argument('[recipe]', `${RECIPE}; left out with --from`)
    .argument('[overrides...]', OVERRIDES)
    .option(
      '--runs-dir <dir>',
      'where the run folder is made, and --from looks for a run by its name',
      'runs',
    )
    .option('--from <run>', 'repeat this run (folder or name), and say what is not as it was')
    .option('--json', 'print the report as one JSON object on stdout')
    .option('--quiet', 'no progress on stderr')
    .action((target: string | undefined, overrides: string[], options: RunOptions) => {
      const words = target === undefined ? [] : [target, ...overrides]
      return run(async () => (await import('./run.ts')).run(words, options), Boolean(options.json))
    })
  recipeCommand('plan', 'Show what a run would do, without training.')
    .option('--json', 'print the plan as one JSON object on stdout')
    .action((target: string, overrides: string[], options: JsonOption) =>
      run(async () => (await import('./plan.ts')).plan(target, overrides, options), Boolean(options.json)),
    )
  recipeCommand('validate', 'Check a recipe or a sweep and tell every mistake at once.')
    .option('--json', 'print the resolved recipe, or the problems, as one JSON object on stdout')
    .action((target: string, overrides: string[], options: JsonOption) =>
      run(
        async () => (await import('./validate.ts')).validate(target, overrides, options),
        Boolean(options.json),
      ),
    )
}

function addChatCommand(program: Command, run: Run): void {
  program
    .command('chat')
    .description('Talk with a model: what a run trained, what a recipe starts from, or any model folder.')
    .argument(
      '<target>',
      'a run (folder or name), a recipe, a folder with a model or an adapter, or a repository of the Hub',
    )
    .argument('[overrides...]', OVERRIDES)
    .option(...RUNS_DIR)
    .option('--prompt <text>', 'answer this and end; piped text is one prompt too')
    .option('--base', 'the model without what the run trained')
    .option('--max-tokens <n>', 'most tokens of an answer (512)')
    .option('--temperature <t>', 'how freely is drawn; 0 takes the likeliest token always')
    .option('--top-k <n>', 'draw among so many likeliest tokens')
    .option('--top-p <p>', 'draw among the fewest likeliest tokens that reach this probability together')
    .option('--min-p <p>', 'draw among tokens at least this likely, as a share of the likeliest')
    .option('--repetition-penalty <x>', 'above 1: less of what was said before')
    .option('--seed <n>', "decides every draw; the recipe's own if left out")
    .option('--json', 'print the answer as one JSON object on stdout')
    .option('--quiet', 'nothing on stderr')
    .action((target: string, overrides: string[], options: ChatFlags) =>
      run(async () => (await import('./chat.ts')).chat(target, overrides, options), Boolean(options.json)),
    )
}

function addCompareCommand(program: Command, run: Run): void {
  program
    .command('compare')
    .description('Show what tells runs apart and what came of it: settings, figures, evaluations, answers.')
    .argument(
      '<runs...>',
      'run folders, or parts of their names; the first is what the others are compared with',
    )
    .option(...RUNS_DIR)
    .option('--format <format>', 'text, markdown, csv or json', 'text')
    .option(
      '--samples <n>',
      'show so many items of each evaluation, those first that are answered differently',
      '3',
    )
    .option('--out <file>', 'write to a file instead of stdout')
    .option('--json', 'the same as --format json')
    .action((words: string[], options: CompareOptions) =>
      run(async () => (await import('./compare.ts')).compare(words, options), Boolean(options.json)),
    )
}

function addResume(program: Command, run: Run): void {
  program
    .command('resume')
    .description('Go on with a run that was interrupted, to what it would have come to.')
    .argument('<run>', RUN)
    .argument(
      '[overrides...]',
      'change what has no part in the result: checkpoint.every=50 eval=[loss] trackers=[]',
    )
    .option(...RUNS_DIR)
    .option('--json', 'print the report as one JSON object on stdout')
    .option('--quiet', 'no progress on stderr')
    .action((word: string, overrides: string[], options: ResumeFlags) =>
      run(async () => (await import('./resume.ts')).resume(word, overrides, options), Boolean(options.json)),
    )
}

function addEvalCommand(program: Command, run: Run): void {
  program
    .command('eval')
    .description('Evaluate any model on any task, or show where results differ.')
    .argument(
      '[targets...]',
      'a run (folder or name), a folder with a model or an adapter, a recipe, or a repository of the Hub; results with --compare',
    )
    .option(
      '--task <task...>',
      'tasks: names (medtune plugins lists them) or files; of a run or a recipe also its own evaluations, which are all asked if left out',
    )
    .option('--path <file>', "a file with the items, in place of the task's own dataset")
    .option('--ids <file>', 'ask only the items whose ids the file has')
    .option('--answer-from <n>', 'the number of the first choice in that file')
    .option('--fewshot <n>', 'examples with their answers before each question')
    .option('--limit <n>', 'ask only the first so many items')
    .option('--chat', "ask in a turn of the model's template")
    .option('--no-chat', 'ask as plain text')
    .option('--no-base', 'do not score the base model below an adapter')
    .option('--compare', 'compare results that are there: the first named with each other')
    .option('--show <n>', 'with --compare: so many of the items that differ', '20')
    .option('--out <dir>', "folder of the results; the run's own, else one below --runs-dir")
    .option('--runs-dir <dir>', 'where runs are looked for by name, and folders of results are made', 'runs')
    .option('--json', 'print scores or differences as JSON on stdout')
    .option('--quiet', 'no progress on stderr')
    .action((targets: string[], options: EvalOptions) =>
      run(async () => (await import('./eval.ts')).evalCommand(targets, options), Boolean(options.json)),
    )
}

function addDashboardCommand(program: Command, run: Run): void {
  program
    .command('dashboard')
    .description('Show the runs of a folder on a page of this machine, or write that page into one file.')
    .argument('[runs]', 'the folder of run folders', 'runs')
    .option('--port <port>', 'listen here; 7007 if it is free, else any if left out')
    .option(
      '--host <address>',
      'listen on this address of the machine; others can then reach it',
      '127.0.0.1',
    )
    .option('--read-only', 'the page changes no tags and notes')
    .option('--export <file>', 'write one self-contained HTML file and serve nothing')
    .option('--filter <query>', 'export only these runs, such as: status = done')
    .action((root: string, options: DashboardOptions) =>
      run(async () => (await import('./dashboard.ts')).dashboard(root, options), false),
    )
}

function addOtherCommands(program: Command, run: Run): void {
  program
    .command('push')
    .description('Upload what a run trained to the Hugging Face Hub, with a model card.')
    .argument('<target>', 'a run (folder or name), or a folder with an adapter or a model')
    .argument('<repo>', 'the repository, as owner/name; made where it is not there')
    .option(...RUNS_DIR)
    .option('--public', 'a repository that is made is public; it is private otherwise')
    .option('--branch <name>', 'commit to this branch', 'main')
    .option('--message <text>', 'the title of the commit')
    .option('--json', 'print the address and the commit as one JSON object on stdout')
    .action((target: string, repo: string, options: PushOptions) =>
      run(async () => (await import('./push.ts')).push(target, repo, options), Boolean(options.json)),
    )
  program
    .command('sync')
    .description('Send runs to a tracker: what it missed while its server was away, or runs made without it.')
    .argument('<tracker>', 'the tracker, such as mlflow')
    .argument(
      '<what...>',
      'runs (folders or names) or folders of sweeps, and options of the tracker: runs/x uri=http://127.0.0.1:5000',
    )
    .option(...RUNS_DIR)
    .option('--json', 'print what was sent as one JSON object on stdout')
    .action((tracker: string, what: string[], options: JsonOption & { readonly runsDir: string }) =>
      run(async () => (await import('./sync.ts')).sync(tracker, what, options), Boolean(options.json)),
    )
  program
    .command('schema')
    .description('Write the JSON Schema of recipes or sweeps, for editors.')
    .argument('[recipe]', 'with the third-party plugins of this recipe')
    .option('--sweep', 'the schema of sweeps; the argument is then a sweep')
    .option('--out <file>', 'write to a file instead of stdout')
    .action((target: string | undefined, options: SchemaOptions) =>
      run(async () => (await import('./schema.ts')).schema(target, options), false),
    )
  program
    .command('plugins')
    .description('List the plugins, their options and where they come from.')
    .argument('[recipe]', 'with the third-party plugins of this recipe')
    .option('--json', 'print them as JSON')
    .action((target: string | undefined, options: JsonOption) =>
      run(async () => (await import('./plugins.ts')).plugins(target, options), Boolean(options.json)),
    )
  program
    .command('init')
    .description(
      'Copy a recipe or a sweep that ships with medtune, to edit it; on a terminal, asks for the few things to change.',
    )
    .argument('[name]', 'which one', 'quickstart')
    .option('--out <file>', 'the file to write; <name>.yaml here if left out')
    .option('--yes', 'ask nothing')
    .action((name: string, options: InitOptions) =>
      run(async () => (await import('./init.ts')).init(name, options), false),
    )
}

const EXIT_CODES = `
Exit codes: 0 done, 1 what had begun failed, 2 wrong usage, an invalid recipe or data that was refused,
3 the environment lacks something, 4 some trials of a sweep failed, 130 interrupted.`

/**
 * Runs one command line; returns the exit code and never throws.
 * @param argv the arguments after the program's name
 */
export async function main(argv: readonly string[]): Promise<number> {
  let code = 0
  const program = buildProgram(async (action, json) => {
    try {
      code = await action()
    } catch (error) {
      await tellFailure(error, json)
      code = exitCode(error)
    }
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Commander has printed its message; help and version are no mistakes.
    return error.exitCode === 0 ? 0 : 2
  }
  return code
}
