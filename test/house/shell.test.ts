import { expect, test } from 'vitest';
import { runProcess } from '../cli/brightcell.ts';
import { list, root } from './files.ts';

test.each(['.ci/run', ...list('bench', '.sh')])('%s is a whole shell script', async script => {
  expect(await runProcess('bash', ['-n', script], { cwd: root })).toEqual({
    code: 0,
    stdout: '',
    stderr: '',
  });
});
