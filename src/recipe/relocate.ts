/** @file A recipe's text as it must read in another folder. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { isPair, isScalar, parseDocument, visit } from 'yaml'
import { applyEdits, type Edit, written } from './edit.ts'

/** The text with every relative path that exists beside the original made relative to the copy; comments stay. */
export function relocate(text: string, from: string, to: string): string {
  const edits: Edit[] = []
  visit(parseDocument(text), {
    Scalar(key, node, parents) {
      if (key === 'key' || !isScalar(node) || typeof node.value !== 'string' || !node.range) return
      const target = path.resolve(from, node.value)
      const holder = parents.findLast(isPair)?.key
      const name = isScalar(holder) ? String(holder.value) : ''
      if (!looksLikePath(node.value, name) || !existsSync(target)) return
      const relative = path.relative(to, target).replaceAll(path.sep, '/')
      const moved = relative.startsWith('.') ? relative : `./${relative}`
      edits.push({ start: node.range[0], end: node.range[1], text: written(moved) })
    },
  })
  return applyEdits(text, edits)
}

/** Whether a value may name a file: by its own look, or by the key that holds it. `use: lora` does not. */
export function looksLikePath(value: string, key: string): boolean {
  return /[/.]/.test(value) || /(^|[._])(path|file|folder|dir)$/.test(key)
}
