/** @file The chat format that the model's own folder brings: its Jinja template, the loss on the model's turns. */
import { openTokenizer, type Turn } from 'medtune/data'
import { definePlugin, type Span, type Template } from 'medtune/plugin'
import { openChatTemplate, type RenderChat } from './chat/jinja.ts'
import { learnedRange, type Range } from './chat/learned.ts'
import { type ControlPattern, controlPattern, type StandIns, standIns } from './chat/stand-ins.ts'
import { conversation, conversationOptions } from './conversation.ts'

export default definePlugin({
  kind: 'template',
  name: 'chat',
  summary: "The chat template of the model's own folder (Jinja), loss on the model's turns and their ends.",
  options: {
    type: 'object',
    properties: {
      ...conversationOptions,
      file: {
        type: 'string',
        minLength: 1,
        description: "A Jinja file instead of the model's own template, for a base model that has none.",
      },
      date: {
        type: 'string',
        pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$',
        default: '2024-07-26',
        description: "What a template writes for today's date, so that a run can be repeated on another day.",
      },
    },
    additionalProperties: false,
  },
  create({ file, date, ...options }, context): Template {
    const { columns, form, turns, dialogue, question } = conversation(options)
    const path = file === undefined ? undefined : context.resolvePath(file)
    let chat: Chat | undefined
    const opened = (): Chat => {
      if (chat === undefined) throw new Error('template chat: open() comes before render() and prompt()')
      return chat
    }
    return {
      columns,
      form,
      async open(folder) {
        const { controls } = await openTokenizer(folder)
        const render = await openChatTemplate(folder, { file: path, date })
        chat = { render, controls: controlPattern(controls) }
      },
      render: (row) => spansOf(turns(row), false, opened()),
      converse: (said) => spansOf(dialogue(said), true, opened()),
      ends: () => endsOf(opened()),
      prompt: (user) => spansOf(question(user), true, opened()),
    }
  },
})

interface Chat {
  readonly render: RenderChat
  readonly controls: ControlPattern
}

/** The first control token that the template writes behind an answer. */
function endsOf({ render, controls }: Chat): readonly string[] {
  if (controls.any === undefined) return []
  const answer = 'answer'
  const whole = render(
    [
      { role: 'user', content: 'question' },
      { role: 'assistant', content: answer },
    ],
    false,
  )
  const [, end] = whole.slice(whole.lastIndexOf(answer) + answer.length).split(controls.any)
  return end === undefined ? [] : [end]
}

/** The conversation; with `open`, up to the place where the model begins to write. */
function spansOf(turns: readonly Turn[], open: boolean, { render, controls }: Chat): Span[] {
  const apart = standIns(
    turns.map(({ content }) => content),
    controls,
  )
  const messages = turns.map(({ role, content }) => ({ role, content: apart.hide(content) }))
  const full = render(messages, open)
  const learned = turns.flatMap(({ train }, i) =>
    train ? [learnedRange(messages, i, full, render, controls)] : [],
  )
  return cut(full, learned).flatMap(({ text, train }) => spans(text, train, controls, apart))
}

/** The text in runs that are learned or not. */
function cut(
  text: string,
  learned: readonly Range[],
): readonly { readonly text: string; readonly train: boolean }[] {
  const runs: { text: string; train: boolean }[] = []
  let at = 0
  for (const { start, end } of learned) {
    runs.push({ text: text.slice(at, start), train: false }, { text: text.slice(start, end), train: true })
    at = end
  }
  return [...runs, { text: text.slice(at), train: false }]
}

/** What is a control token here, the template wrote. */
function spans(text: string, train: boolean, { any }: ControlPattern, apart: StandIns): Span[] {
  const parts = any === undefined ? [text] : text.split(any)
  return parts.flatMap((part, i): Span[] => {
    if (part === '') return []
    return [i % 2 === 1 ? { text: part, train, control: true } : { text: apart.restore(part), train }]
  })
}
