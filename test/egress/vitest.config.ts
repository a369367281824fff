import { mergeConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

/** `npm run test:egress`: runs the end-to-end suite a second time, so it is no part of `npm test`. */
const config = mergeConfig(base, { test: { testTimeout: 600_000 } })
config.test.include = ['test/egress/**/*.test.ts']
config.test.exclude = []
export default config
