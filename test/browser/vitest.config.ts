import { mergeConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

/** `npm run test:browser`: the built page in a real Chromium, so it is no part of `npm test`. A busy machine may draw late: a test has three tries. */
const config = mergeConfig(base, { test: { testTimeout: 60_000, hookTimeout: 120_000, retry: 2 } })
config.test.include = ['test/browser/**/*.test.ts']
config.test.exclude = []
export default config
