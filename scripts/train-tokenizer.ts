/** @file Makes the embedded model's tokenizer from the project's own text: npm run tokenizer:train. */
import { writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { tokenizerConfig, tokenizerJson } from './tokenizer/files.ts'
import { projectTexts } from './tokenizer/project-text.ts'
import { learnVocabulary } from './tokenizer/vocabulary.ts'

const FOLDER = join(import.meta.dirname, '../models/tiny-gemma3')

const vocabulary = learnVocabulary(projectTexts())
await write('tokenizer.json', tokenizerJson(vocabulary))
await write('tokenizer_config.json', tokenizerConfig())

const { tokens, learned, merges } = vocabulary
process.stdout.write(
  `${relative('.', FOLDER)}: ${tokens.length} tokens, ${learned} of them learned, ${merges.length} merges\n`,
)

async function write(name: string, content: object): Promise<void> {
  await writeFile(join(FOLDER, name), `${JSON.stringify(content, null, 1)}\n`)
}
