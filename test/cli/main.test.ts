import { describe, expect, test } from 'vitest';
import packageFile from '../../package.json' with { type: 'json' };
import { createProgram } from '../../src/cli/program.ts';
import { brightcell, mainFile, runProcess } from './brightcell.ts';

const commands = createProgram().commands.filter(command => command.name() !== 'help');

describe('brightcell', () => {
  test('prints its version', async () => {
    const { code, stdout } = await brightcell(['--version']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${packageFile.version}\n` });
  });

  test('lists every command in its help', async () => {
    const { code, stdout } = await brightcell(['--help']);
    expect(code).toBe(0);
    for (const command of commands) expect(stdout).toContain(command.name());
  });

  test.each(commands.map(command => command.name()))('%s --help shows an example', async name => {
    const { code, stdout } = await brightcell([name, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`\nExamples?:\n  \\$ brightcell ${name}`));
  });

  test('without a command it prints the help and ends with 2', async () => {
    const { code, stderr } = await brightcell([]);
    expect(code).toBe(2);
    expect(stderr).toContain('Usage: brightcell');
  });

  test('an unknown command ends with 2 and names the nearest', async () => {
    const { code, stderr, stdout } = await brightcell(['trian']);
    expect(code).toBe(2);
    expect(stderr).toContain('Did you mean train?');
    expect(stdout).toBe('');
  });

  test('an unknown option ends with 2 and names the nearest', async () => {
    const { code, stderr } = await brightcell(['train', 'cells', '--epoch', '3']);
    expect(code).toBe(2);
    expect(stderr).toContain('Did you mean --epochs?');
    expect(stderr).toContain('See "brightcell train --help"');
  });

  test.each(['NaN', 'Infinity', '-1', '0', '2.5', '', 'ten', '0x10', '1e999'])(
    '--epochs "%s" is refused with the valid range',
    async value => {
      const { code, stderr } = await brightcell(['train', 'cells', `--epochs=${value}`]);
      expect(code).toBe(2);
      expect(stderr).toContain('It must be a whole number from 1 to 100000.');
    },
  );

  test.each(commands.flatMap(command => ['0', '1025', '1.5', 'two'].map(value => [command.name(), value])))(
    '%s --threads %s is refused with the valid range',
    async (name, value) => {
      const program = createProgram();
      for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => {} });
      await expect(program.parseAsync(['node', 'brightcell', name, '--threads', value])).rejects.toThrow(
        'It must be a whole number from 1 to 1024.',
      );
    },
  );

  test('a wrong use is one JSON object on stdout with --json', async () => {
    const { code, stdout } = await brightcell(['train', 'cells', '--epochs', 'NaN', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout).error.code).toBe('option-invalid');
  });

  test('the help appears quickly: nothing of the library is loaded for it', async () => {
    const started = performance.now();
    for (let i = 0; i < 5; i++) await brightcell(['--help']);
    // 90 ms each on an idle machine; a loaded native core, DuckDB or sharp would show as much more.
    expect((performance.now() - started) / 5).toBeLessThan(1000);
  });

  test('a reader that closes early is no failure', async () => {
    const { code, stderr } = await runProcess('bash', [
      '-c',
      `set -o pipefail; "${process.execPath}" "${mainFile}" train --help | head -1 >/dev/null`,
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

test('the names that train takes are those of the library', async () => {
  const { choices } = await import('../../src/cli/train.ts');
  const config = await import('../../src/train/config.ts');
  const { normalisations } = await import('../../src/engine/normalisation.ts');
  const { ensuredWays } = await import('../../src/dataset/ensureSplit.ts');
  const { precisions } = await import('../../src/engine/precision.ts');
  expect(choices).toEqual({
    recipe: config.recipeNames,
    optimiser: config.optimiserNames,
    schedule: config.scheduleNames,
    loss: config.lossNames,
    initialiser: config.initialiserNames,
    normalisation: normalisations,
    balance: config.balanceNames,
    monitor: config.monitorNames,
    precision: precisions,
    splitBy: ensuredWays,
  });
});
