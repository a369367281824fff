/** @file Evaluation `judge`: the model's answers to a task, judged by another model behind an OpenAI-compatible endpoint. */
import { judgedTask, openTask, TASK_OPTIONS } from 'medtune/eval'
import { definePlugin, OptionError } from 'medtune/plugin'

const PROMPT = `You grade an answer against a reference.

Question:
{question}

Reference:
{reference}

Answer:
{answer}

Give 10 for an answer that says what the reference says, 0 for one that is wrong or says nothing, and something between for one that is right in part. Length and style do not count. Explain in one sentence, then end with a line "Score: N".`

export default definePlugin({
  kind: 'eval',
  name: 'judge',
  summary: 'Answers to a task, judged by another model over an OpenAI-compatible API.',
  options: {
    type: 'object',
    properties: {
      task: { type: 'string', minLength: 1, description: 'The task, with a target: a file, or a name.' },
      url: {
        type: 'string',
        pattern: '^https?://[^/?#]+',
        description:
          'Address of the API, such as http://127.0.0.1:8000/v1. Questions and answers are sent there.',
      },
      model: {
        type: 'string',
        minLength: 1,
        description: 'The model that judges; it is named in the report.',
      },
      key_env: {
        type: 'string',
        pattern: '^[A-Za-z_][A-Za-z0-9_]*$',
        description: 'Environment variable with the key of the API, if it needs one.',
      },
      prompt: {
        type: 'string',
        minLength: 1,
        default: PROMPT,
        description:
          'What the judge is told; {question}, {reference} and {answer} are filled in. It must end in "Score: N".',
      },
      scale: {
        type: 'number',
        exclusiveMinimum: 0,
        default: 10,
        description: 'The highest score; the lowest is 0.',
      },
      timeout: { type: 'number', exclusiveMinimum: 0, default: 60, description: 'Seconds for one answer.' },
      retries: {
        type: 'integer',
        minimum: 0,
        default: 2,
        description: 'Further attempts after a timeout, a busy or a failing server.',
      },
      ...TASK_OPTIONS,
    },
    required: ['task', 'url', 'model'],
    additionalProperties: false,
  },
  async create({ task, url, model, key_env, prompt, scale, timeout, retries, ...options }, context) {
    const key = key_env === undefined ? undefined : process.env[key_env]
    if (key_env !== undefined && !key) throw new OptionError('key_env', `${key_env} is not set`)
    if (!prompt.includes('{answer}')) throw new OptionError('prompt', 'does not show the judge the {answer}')
    const { hostname } = new URL(url)
    const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
    if (process.env.MEDTUNE_OFFLINE === '1' && !loopback)
      throw new OptionError('url', `${hostname} is not this machine, and medtune was told to use no network`)
    const asked = await openTask(task, options, context, 'generate')
    return judgedTask(asked, { url, model, key, prompt, scale, timeout, retries })
  },
})
