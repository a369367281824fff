#!/usr/bin/env node
/** @file The program `medtune`. */
import { main } from './program.ts'

// What is shown is never worth the run: a reader that closes the pipe (`| head`), a log on a full disk.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && stream === process.stdout) process.exitCode = 1
  })
}

process.exitCode = (await main(process.argv.slice(2))) || process.exitCode
