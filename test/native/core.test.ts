import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';

const executable = fileURLToPath(new URL('../../native/build/Release/core_tests', import.meta.url));
const titles = execFileSync(executable, ['--list'], { encoding: 'utf8' }).trim().split('\n');

describe('the native core', () => {
  const outcomes = new Map<string, string>();

  beforeAll(() => {
    const { stdout } = spawnSync(executable, { encoding: 'utf8' });
    for (const line of stdout.trim().split('\n')) {
      const [, outcome, title, message] = /^(ok|failed) ([^\t]*)(?:\t(.*))?$/.exec(line)!;
      outcomes.set(title!, outcome === 'ok' ? 'ok' : message!);
    }
  }, 600_000);

  test.each(titles)('%s', title => {
    expect(outcomes.get(title) ?? 'did not run to its end').toBe('ok');
  });
});
