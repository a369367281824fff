/** @file How a guard tells what it found: printed, and recorded in the run. */
export type Warn = (code: string, message: string) => void
