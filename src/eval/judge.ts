/**
 * @file Another model as the judge of free text: any endpoint that speaks OpenAI's chat completions. Every answer that
 * cannot be used is a counted failure, never a score.
 */
import { setTimeout as sleep } from 'node:timers/promises'

export interface JudgeOptions {
  /** Address of the API, such as http://127.0.0.1:8000/v1. */
  readonly url: string
  readonly model: string
  /** What the judge is told; {question}, {reference} and {answer} are filled in. */
  readonly prompt: string
  /** The highest score it may give; the lowest is 0. */
  readonly scale: number
  /** Seconds for one answer. */
  readonly timeout: number
  /** Further attempts after a timeout, a busy or a failing server. */
  readonly retries: number
  readonly key?: string | undefined
}

/** What is judged. */
export interface JudgedText {
  readonly question: string
  readonly reference: string
  readonly answer: string
}

export type Judgement =
  | { readonly score: number; readonly said: string }
  | { readonly failure: 'timeout' | 'unreachable' | 'refused' | 'no-score'; readonly said: string }

/** The most that is read of an answer. */
const MAX_BYTES = 1_000_000

/** Asks for one judgement. Never rejects, but where `signal` aborts. */
export async function judge(
  text: JudgedText,
  options: JudgeOptions,
  signal?: AbortSignal,
): Promise<Judgement> {
  let last: Judgement = { failure: 'unreachable', said: '' }
  for (let attempt = 0; attempt <= options.retries; attempt++) {
    signal?.throwIfAborted()
    if (attempt > 0) await sleep(Math.min(8000, 250 * 2 ** attempt), undefined, signal && { signal })
    const found = await attemptOnce(text, options, signal)
    if (!('again' in found)) return found
    last = found.again
  }
  return last
}

type Attempt = Judgement | { readonly again: Judgement }

async function attemptOnce(text: JudgedText, options: JudgeOptions, signal?: AbortSignal): Promise<Attempt> {
  const { url, model, key, timeout } = options
  const late = AbortSignal.timeout(timeout * 1000)
  try {
    const response = await fetch(`${url.replace(/\/+$/, '')}/chat/completions`, {
      method: 'POST',
      // A redirect would take the key elsewhere.
      redirect: 'error',
      headers: {
        'content-type': 'application/json',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify({
        model,
        temperature: 0,
        messages: [{ role: 'user', content: fill(options.prompt, text) }],
      }),
      signal: signal === undefined ? late : AbortSignal.any([late, signal]),
    })
    const body = await readText(response)
    if (!response.ok) {
      const refused: Judgement = {
        failure: 'refused',
        said: `HTTP ${response.status}: ${body.slice(0, 200)}`,
      }
      return response.status === 429 || response.status >= 500 ? { again: refused } : refused
    }
    return readJudgement(body, options.scale)
  } catch (error) {
    signal?.throwIfAborted()
    if (late.aborted) return { again: { failure: 'timeout', said: `no answer within ${timeout} s` } }
    const { message, cause } = error as Error
    const said = cause instanceof Error ? cause.message : message
    return { again: { failure: 'unreachable', said } }
  }
}

function fill(prompt: string, text: JudgedText): string {
  return prompt.replace(/\{(question|reference|answer)\}/g, (_, name: keyof JudgedText) => text[name])
}

/** The body as text, as far as it may go. */
async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > MAX_BYTES) break
  }
  return text
}

/** The last `score: N` of what the judge said, within its scale. */
export function readJudgement(body: string, scale: number): Judgement {
  const said = contentOf(body)
  if (said === undefined) return { failure: 'no-score', said: body.slice(0, 200) }
  const given = [...said.matchAll(/score(?:\s+is)?[\s:*=]{0,6}(-?\d+(?:\.\d+)?)/gi)].at(-1)?.[1]
  const score = Number(given)
  if (given === undefined || score < 0 || score > scale)
    return { failure: 'no-score', said: said.slice(0, 200) }
  return { score: score / scale, said }
}

function contentOf(body: string): string | undefined {
  try {
    const parsed = JSON.parse(body) as { choices?: { message?: { content?: unknown } }[] } | null
    const content = parsed?.choices?.[0]?.message?.content
    return typeof content === 'string' ? content : undefined
  } catch {
    return undefined
  }
}
