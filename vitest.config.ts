import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'bench/**/*.test.ts', 'test/**/*.test.ts'],
    setupFiles: ['test/setup/offline.ts'],
    // Processes, not threads: tests start, signal and kill children, and a crash must not take the whole run along.
    pool: 'forks',
    // More workers than two would only make timings of child processes worse; integration tests start programs of their own.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
  },
});
