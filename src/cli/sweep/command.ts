/** @file How this very medtune is started again, as another process. */

/** The program and the arguments before a command, the same from source and from dist. */
export function medtuneCommand(): readonly string[] {
  return [process.execPath, ...process.execArgv, process.argv[1]!]
}
