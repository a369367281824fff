/** @file Builds the page of the dashboard: one script and one style sheet, which the server holds in memory. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** What is built contains these; their licences ask to be named. */
const BANNER =
  '/*! medtune dashboard. Contains preact (c) 2015-present Jason Miller, @preact/signals (c) 2022-present Preact Team and uPlot (c) 2022 Leon Sorokin, each under the MIT licence: permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files, to deal in the software without restriction, provided that this notice is kept; the software is provided "as is", without warranty of any kind. */'

export default defineConfig({
  root: at('.'),
  configFile: false,
  publicDir: false,
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: at('../../../dist/src/dashboard/page'),
    emptyOutDir: true,
    target: 'es2022',
    cssCodeSplit: false,
    modulePreload: false,
    rolldownOptions: {
      input: at('main.tsx'),
      output: {
        entryFileNames: 'app.js',
        assetFileNames: 'app[extname]',
        codeSplitting: false,
        banner: BANNER,
      },
    },
  },
})
