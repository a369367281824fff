// Puts `medtune` among this checkout's own binaries, so that `npx medtune` runs what was just built here
// instead of packing and linking the project into npx's cache first.
import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const link = at('node_modules/.bin/medtune')

mkdirSync(at('node_modules/.bin'), { recursive: true })
chmodSync(at('dist/src/cli/main.js'), 0o755)
if (process.platform !== 'win32') {
  rmSync(link, { force: true })
  symlinkSync('../../dist/src/cli/main.js', link)
}
