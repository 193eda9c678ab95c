// The C++ tests built and run another way (scripts/checkNative.mjs): minutes of work, so only continuous integration does
// it; `npm run check-native` does it at a desk. Each way is a file of its own, so that two run side by side.
import { describe, expect, test } from 'vitest';
import { checkNative } from '../../scripts/checkNative.mjs';

export function checkedAs(way: 'address' | 'thread' | 'aarch64', title: string): void {
  describe.skipIf(!process.env.CI)('the native core checked another way', () => {
    test(`${way}: ${title}`, async () => {
      const { status, stdout, stderr } = await checkNative(way);
      const failed = stdout.split('\n').filter((line: string) => !line.startsWith('ok '));
      expect({ status, failed: failed.join('\n'), report: stderr.slice(0, 6000) }).toEqual({
        status: 0,
        failed: '',
        report: '',
      });
    }, 1_800_000);
  });
}
