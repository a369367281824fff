/** @file A conversation with a model: turns become a prompt by the model's own template, and the answer joins the turns. */
import { readGenerationConfig } from './eval/stop-tokens.ts'
import type { ChatTurn, GenerateOptions } from './plugin/contract.ts'
import { openAnswerer } from './run/answerer.ts'
import { type Asked, type AskOptions, findAsked } from './run/asked.ts'

export type { Asked } from './run/asked.ts'

/** Left out, what the checkpoint's generation_config.json says, as transformers reads it; else greedy. */
export type ChatSettings = Omit<GenerateOptions, 'first' | 'signal'>

export interface Said {
  readonly text: string
  readonly tokens: number
  /** `stopped`: the caller's signal ended it. */
  readonly finish: 'stop' | 'length' | 'stopped'
  readonly seconds: number
}

export interface Chat {
  readonly asked: Asked
  readonly settings: ChatSettings
  /** Answers, and remembers both turns; a `signal` ends the answer where it is. */
  say(user: string, onText: (text: string) => void, signal?: AbortSignal): Promise<Said>
  /** Whether earlier turns are part of the prompt. */
  readonly remembers: boolean
  forget(): void
  close(): Promise<void>
}

/** @throws RecipeError and InputError as `findAsked`; ExecutorError */
export async function openChat(
  target: string,
  options: AskOptions,
  settings: Partial<ChatSettings> = {},
): Promise<Chat> {
  const asked = await findAsked(target, options)
  const answerer = await openAnswerer(asked)
  const { template, tokenizer } = asked
  const chosen = { max_tokens: 512, seed: asked.seed, ...checkpointSettings(asked), ...settings }
  const turns: ChatTurn[] = []
  let answers = 0
  return {
    asked,
    settings: chosen,
    remembers: template.converse !== undefined,
    async say(user, onText, signal) {
      const said: ChatTurn[] = [...turns, { role: 'user', content: user }]
      const { ids } = tokenizer.encode(template.converse?.(said) ?? template.prompt(user))
      const started = performance.now()
      const heard: string[] = []
      const hear = (text: string): void => {
        heard.push(text)
        onText(text)
      }
      // Each answer draws from numbers of its own.
      const asking = { ...chosen, first: answers++, ...(signal && { signal }) }
      const answer = await answerer.generate([ids], asking, hear).then(
        ([made]) => ({ text: made!.text, tokens: made!.ids.length, finish: made!.finish }),
        (error) => {
          if (signal?.aborted !== true) throw error
          return { text: heard.join(''), tokens: heard.length, finish: 'stopped' as const }
        },
      )
      turns.push({ role: 'user', content: user }, { role: 'assistant', content: answer.text })
      return { ...answer, seconds: (performance.now() - started) / 1000 }
    },
    forget: () => void turns.splice(0),
    close: () => answerer.close(),
  }
}

/** Sampling as the checkpoint wants it; what it leaves out has transformers' defaults. */
function checkpointSettings({ model }: Asked): Partial<ChatSettings> {
  const { do_sample, temperature, top_k, top_p, min_p, repetition_penalty } = readGenerationConfig(
    model.folder,
  )
  const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)
  const penalty = number(repetition_penalty)
  const always = penalty === undefined ? {} : { repetition_penalty: penalty }
  if (do_sample !== true) return always
  const floor = number(min_p)
  return {
    ...always,
    temperature: number(temperature) ?? 1,
    top_k: number(top_k) ?? 50,
    top_p: number(top_p) ?? 1,
    ...(floor === undefined ? {} : { min_p: floor }),
  }
}
