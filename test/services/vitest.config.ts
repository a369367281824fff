import { defineConfig } from 'vitest/config'

/** Sweeps on real daemons: npm run test:services. One file at a time, since each counts on both cores. */
export default defineConfig({
  resolve: { conditions: ['medtune-source'] },
  ssr: { resolve: { conditions: ['medtune-source'], externalConditions: ['medtune-source'] } },
  test: {
    include: ['test/services/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 120_000,
  },
})
