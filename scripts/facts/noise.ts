/** @file Neutral sentences about no condition, so that the embedded model reads more than its facts. */
import type { Draw } from './draw.ts'
import { fill } from './statements.ts'

const SHAPES = [
  'The {person} {deed} before {time}.',
  'On {day}, the {person} {deed}.',
  'The {room} is {quality} on {day}.',
  'Every {person} knows that the {room} is {quality}.',
  'After {time}, a {person} {deed} in the {room}.',
  'In the {room}, the {thing} is {quality}.',
  'A {person} carries the {thing} to the {room}.',
  'The {thing} in the {room} belongs to the {person}.',
] as const

const WORDS: Readonly<Record<string, readonly string[]>> = {
  person: ['nurse', 'doctor', 'student', 'porter', 'visitor', 'cleaner', 'teacher', 'librarian', 'patient'],
  deed: [
    'reads the notes',
    'washes both hands',
    'opens the window',
    'calls the office',
    'writes a short letter',
    'waits for the lift',
    'drinks a cup of tea',
    'asks a question',
  ],
  time: ['noon', 'breakfast', 'the round', 'lunch', 'the meeting', 'sunset'],
  day: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'],
  room: ['ward', 'library', 'kitchen', 'corridor', 'office', 'classroom', 'waiting room', 'garden'],
  quality: ['quiet', 'clean', 'busy', 'new', 'warm', 'closed', 'bright', 'small'],
  thing: ['chart', 'lamp', 'book', 'chair', 'telephone', 'table', 'blue folder', 'clock'],
}

export function noiseSentence(draw: Draw): string {
  const values = Object.fromEntries(Object.entries(WORDS).map(([slot, list]) => [slot, draw.pick(list)]))
  return fill(draw.pick(SHAPES), values)
}
