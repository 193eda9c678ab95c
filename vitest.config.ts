import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The native engine already uses every core; two files at once are enough to hide waiting.
    maxWorkers: 2,
    pool: 'forks',
  },
});
