// The C++ tests built and run other ways (scripts/checkNative.mjs): minutes of work, so only continuous integration
// does it; `npm run check-native` does it at a desk.
import { describe, expect, test } from 'vitest';
import { checkNative } from '../../scripts/checkNative.mjs';

const ways = [
  ['address', 'no access outside its memory and no undefined behaviour'],
  ['thread', 'no two threads at one place without order between them'],
  ['aarch64', 'the NEON kernels, cross-built and run under qemu-user'],
] as const;

describe.skipIf(!process.env.CI)('the native core checked another way', () => {
  test.each(ways)(
    '%s: %s',
    async way => {
      const { status, stdout, stderr } = await checkNative(way);
      const failed = stdout.split('\n').filter((line: string) => !line.startsWith('ok '));
      expect({ status, failed: failed.join('\n'), report: stderr.slice(0, 6000) }).toEqual({
        status: 0,
        failed: '',
        report: '',
      });
    },
    1_800_000,
  );
});
