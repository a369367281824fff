/** @file `medtune chat`: a conversation on a terminal, or one answer to `--prompt` or to what is piped in. */
import { createInterface } from 'node:readline/promises'
import { text as readAll } from 'node:stream/consumers'
import type { Chat, ChatSettings, Said } from '../chat.ts'
import { stringify } from '../track/json.ts'
import { visible } from '../util/visible.ts'
import { colorsFor } from './colors.ts'
import { UsageError } from './failure.ts'
import { namedTarget } from './named-run.ts'
import { refuseSweep } from './refuse-sweep.ts'
import { openStatus, silent } from './status.ts'

export interface ChatFlags {
  readonly prompt?: string
  readonly base?: boolean
  readonly maxTokens?: string
  readonly temperature?: string
  readonly topK?: string
  readonly topP?: string
  readonly minP?: string
  readonly repetitionPenalty?: string
  readonly seed?: string
  readonly runsDir: string
  readonly json?: boolean
  readonly quiet?: boolean
}

const INTERRUPTED = 130
const HELP = '/new forgets what was said, /exit (or Ctrl-D) ends; Ctrl-C ends an answer'

export async function chat(target: string, overrides: string[], flags: ChatFlags): Promise<number> {
  refuseSweep(target)
  const settings = settingsOf(flags)
  const prompt =
    flags.prompt ?? (process.stdin.isTTY ? undefined : (await readAll(process.stdin)).replace(/\r?\n$/, ''))
  if (prompt?.trim() === '') throw new UsageError('there is no prompt: it is empty')
  const status = flags.quiet ? silent : openStatus('chat')
  const { openChat } = await import('../chat.ts')
  const opened = await openChat(
    await namedTarget(target, flags.runsDir),
    {
      overrides,
      base: flags.base ?? false,
      warn: (_, message) => status.say(`warning: ${message}`),
      progress: (phase, done, total, unit) =>
        status.onProgress({ phase, done, total, ...(unit && { unit }) }),
    },
    settings,
  ).finally(() => status.close())
  try {
    return prompt === undefined ? await converse(opened, flags) : await once(opened, prompt, flags)
  } finally {
    await opened.close()
  }
}

function settingsOf(flags: ChatFlags): Partial<ChatSettings> {
  const read = (
    flag: keyof ChatFlags,
    fits: (value: number) => boolean,
    what: string,
  ): number | undefined => {
    const given = flags[flag]
    if (given === undefined) return undefined
    const value = given === '' ? Number.NaN : Number(given)
    if (fits(value)) return value
    const name = flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    throw new UsageError(`--${name}: expected ${what}, found ${JSON.stringify(given)}`)
  }
  const whole = (least: number) => (value: number) => Number.isSafeInteger(value) && value >= least
  const share = (value: number): boolean => value >= 0 && value <= 1
  const settings = {
    max_tokens: read('maxTokens', whole(1), 'a whole number from 1 up'),
    temperature: read(
      'temperature',
      (value) => value >= 0 && value < Number.POSITIVE_INFINITY,
      'a number from 0 up',
    ),
    top_k: read('topK', whole(0), 'a whole number, 0 for no limit'),
    top_p: read('topP', (value) => value > 0 && share(value), 'a number above 0, at most 1'),
    min_p: read('minP', share, 'a number from 0 to 1'),
    repetition_penalty: read(
      'repetitionPenalty',
      (value) => value > 0 && Number.isFinite(value),
      'a number above 0',
    ),
    seed: read('seed', (value) => whole(0)(value) && value < 2 ** 32, 'a whole number from 0 to 4294967295'),
  }
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}

/** One answer; on stdout as it grows, or as one JSON object at the end. */
async function once(opened: Chat, prompt: string, { json, quiet }: ChatFlags): Promise<number> {
  const controller = new AbortController()
  const stop = (): void => controller.abort()
  process.once('SIGINT', stop)
  const said = await opened
    .say(prompt, json ? () => {} : write, controller.signal)
    .finally(() => process.off('SIGINT', stop))
  if (json) {
    const { name, which } = opened.asked
    process.stdout.write(
      `${stringify({ target: name, which, prompt, ...said, settings: opened.settings }, 2)}\n`,
    )
  } else {
    write('\n')
    if (!quiet) tellPace(said)
  }
  return said.finish === 'stopped' ? INTERRUPTED : 0
}

/** On a terminal a model's text must not move the cursor or change colours; a pipe gets it as it is. */
function write(text: string): void {
  process.stdout.write(process.stdout.isTTY ? visible(text) : text)
}

async function converse(opened: Chat, { quiet }: ChatFlags): Promise<number> {
  const colors = colorsFor(process.stderr)
  const { name, which } = opened.asked
  if (!quiet) {
    const memory = opened.remembers ? '' : '; its template knows single questions only'
    process.stderr.write(`${name} (${which}${memory}). ${HELP}\n`)
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr, prompt: colors.bold('> ') })
  let answering: AbortController | undefined
  lines.on('SIGINT', () => {
    if (answering) answering.abort()
    else lines.close()
  })
  lines.prompt()
  for await (const line of lines) {
    const asked = line.trim()
    if (asked === '/exit' || asked === '/quit') break
    if (asked === '/new') opened.forget()
    else if (asked.startsWith('/') && /^\/\w*$/.test(asked)) process.stderr.write(`${HELP}\n`)
    else if (asked !== '') {
      answering = new AbortController()
      const said = await opened.say(line, write, answering.signal)
      answering = undefined
      process.stdout.write('\n')
      if (!quiet) tellPace(said)
    }
    lines.prompt()
  }
  lines.close()
  return 0
}

function tellPace({ tokens, finish, seconds }: Said): void {
  const end = { stop: '', length: ', cut at --max-tokens', stopped: ', stopped' }[finish]
  const rate = (tokens / seconds).toFixed(1)
  process.stderr.write(`${colorsFor(process.stderr).dim(`${tokens} tokens, ${rate} a second${end}`)}\n`)
}
