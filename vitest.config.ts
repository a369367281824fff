import { configDefaults, defineConfig } from 'vitest/config'

/** Suites that take longer have a configuration and a script of their own. */
const LONGER = ['test/browser/**', 'test/egress/**', 'test/services/**', 'test/torture/**']

export default defineConfig({
  resolve: { conditions: ['medtune-source'] },
  ssr: { resolve: { conditions: ['medtune-source'], externalConditions: ['medtune-source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...LONGER],
    // Real processes race for two shared cores there: what fails twice is broken.
    retry: process.env.CI ? 1 : 0,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
