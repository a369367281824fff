/** @file Light, dark, or as the system has it. */
import { signal } from '@preact/signals'

export type Theme = 'system' | 'light' | 'dark'
const ORDER: readonly Theme[] = ['system', 'light', 'dark']
const dark = matchMedia('(prefers-color-scheme: dark)')

export const theme = signal<Theme>(saved())
/** Whether the page is dark now; charts are drawn anew when it changes. */
export const isDark = signal(false)

function saved(): Theme {
  try {
    return ORDER.find((one) => one === localStorage.getItem('medtune-theme')) ?? 'system'
  } catch {
    // A page opened from a file may have no storage.
    return 'system'
  }
}

function apply(): void {
  isDark.value = theme.value === 'dark' || (theme.value === 'system' && dark.matches)
  document.documentElement.dataset.theme = isDark.value ? 'dark' : 'light'
}

export function nextTheme(): void {
  theme.value = ORDER[(ORDER.indexOf(theme.value) + 1) % ORDER.length]!
  try {
    localStorage.setItem('medtune-theme', theme.value)
  } catch {
    // Then it holds until the page is closed.
  }
  apply()
}

dark.addEventListener('change', apply)
apply()

/** Ten colours that can be told apart, on light and on dark; each has a contrast of 3 or more to the page. */
const LIGHT = [
  '#2459b8',
  '#c2410c',
  '#15803d',
  '#8b2fd1',
  '#b4246a',
  '#0e7490',
  '#946200',
  '#52606d',
  '#d02a2a',
  '#4f46e5',
]
const DARK = [
  '#6ea8ff',
  '#ff9d5c',
  '#5fd08a',
  '#c59bff',
  '#ff86bf',
  '#4fd0e0',
  '#e8c04a',
  '#a9b6c4',
  '#ff7b72',
  '#a5a8ff',
]

export function colorOf(index: number): string {
  const palette = isDark.value ? DARK : LIGHT
  return palette[index % palette.length]!
}
