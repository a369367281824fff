/** @file Errors that are a user's to mend: the message says what was found, where, and what to do. */

/**
 * A mistake in an option that only its plugin can see (a target no layer has, a column the file lacks).
 * `path` is relative to the stage, such as `targets` or `targets.2`; the engine adds file, line and column.
 */
export class OptionError extends Error {
  override readonly name = 'OptionError'
  readonly path: string
  constructor(path: string, message: string) {
    super(message)
    this.path = path
  }
}

/** An input file that cannot be used: the message names the file, the place, what was found and what to do. */
export class InputError extends Error {
  override readonly name = 'InputError'
}

/** Something that is not installed here or does not answer; exit code 3. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError'
  readonly kind = 'unsupported'
}
