import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files of minutes, the longest first. They begin before all others, in this order: vitest's own begins with the largest
 * file, and one that takes ten minutes and begins last keeps one core busy while the other has nothing left.
 */
export const longest = [
  'test/native/aarch64.test.ts',
  'test/native/address.test.ts',
  'test/native/thread.test.ts',
  'test/cli/demo.test.ts',
  'test/house/documents.test.ts',
  'test/native/core.test.ts',
  'test/engine/judgeGradients.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = longest.findIndex(name => moduleId.endsWith(name));
      return at < 0 ? longest.length : at;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The native engine already uses every core; two files at once are enough to hide waiting.
    maxWorkers: 2,
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
  },
});
