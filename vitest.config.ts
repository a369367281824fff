import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['medtune-source'] },
  ssr: { resolve: { conditions: ['medtune-source'], externalConditions: ['medtune-source'] } },
  test: { include: ['test/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
})
