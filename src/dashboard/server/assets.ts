/** @file The page as it was built: three files, read once. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../util/package.ts'

export interface Assets {
  readonly script: string
  readonly style: string
}

/** @throws Error with `code` ERR_MODULE_NOT_FOUND where the page was not built */
export function readAssets(folder = join(packageRoot(), 'dist', 'src', 'dashboard', 'page')): Assets {
  const [script, style] = [join(folder, 'app.js'), join(folder, 'app.css')]
  if (!existsSync(script) || !existsSync(style)) {
    const error = new Error('the page of the dashboard was not built; run "npm run build" first')
    throw Object.assign(error, { code: 'ERR_MODULE_NOT_FOUND' })
  }
  return { script: readFileSync(script, 'utf8'), style: readFileSync(style, 'utf8') }
}

export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>medtune</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/app.css">
</head>
<body>
<div id="app"></div>
<noscript>The dashboard needs JavaScript. "medtune runs" and "medtune compare" show the same in a terminal.</noscript>
<script type="module" src="/app.js"></script>
</body>
</html>
`
