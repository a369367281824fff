import { mergeConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

/** `npm run torture`: hours of damage in minutes, and no part of `npm test`. */
const config = mergeConfig(base, { test: { testTimeout: 3_600_000 } })
config.test.include = ['test/torture/**/*.test.ts']
config.test.exclude = []
export default config
