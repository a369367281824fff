/** @file Gemma's chat format: the user's turns and the model's, the loss on the model's. */
import { checkAlternation, type Turn } from 'medtune/data'
import { definePlugin, type Span, type Template } from 'medtune/plugin'
import { conversation, conversationOptions } from './conversation.ts'
import { strip } from './strip.ts'

const control = (text: string, train = false): Span => ({ text, train, control: true })
const text = (content: string, train = false): Span => ({ text: content, train })

export default definePlugin({
  kind: 'template',
  name: 'gemma',
  summary:
    "Gemma's chat turns: system text folded into the first user turn, loss on the model's turns and their ends.",
  options: { type: 'object', properties: conversationOptions, additionalProperties: false },
  create(options): Template {
    const { columns, form, turns, dialogue, question } = conversation(options)
    const open = [control('<start_of_turn>'), text('model\n')]
    return {
      columns,
      form,
      prompt: (user) => [...render(question(user)), ...open],
      converse: (said) => [...render(dialogue(said)), ...open],
      render: (row) => render(turns(row)),
      ends: () => ['<end_of_turn>'],
    }
  },
})

/** The whole conversation. The system text stands, untrimmed, before the first user turn: Gemma has no turn for it. */
function render(turns: readonly Turn[]): Span[] {
  checkAlternation(turns)
  const [first, ...rest] = turns
  const system = first?.role === 'system'
  const prefix = system ? `${first.content}\n\n` : ''
  const spoken = system ? rest : turns
  return [
    control('<bos>'),
    ...spoken.flatMap(({ role, content, train }, i) => [
      control('<start_of_turn>'),
      text(role === 'assistant' ? 'model\n' : `${role}\n${i === 0 ? prefix : ''}`),
      text(strip(content), train),
      control('<end_of_turn>', train),
      text('\n', train),
    ]),
  ]
}
