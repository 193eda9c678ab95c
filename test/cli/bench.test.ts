import { describe, expect, test } from 'vitest';
import { brightcell } from './brightcell.ts';

const small = ['bench', '--size', '32x40', '--batch', '16', '--classes', '3'];

describe('brightcell bench', () => {
  test('tells images a second of a network on this machine', async () => {
    const { code, stdout } = await brightcell(small);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^cellnet, float32, batch 16, \d+ threads/);
    expect(stdout).toMatch(/train +[\d,]+ images\/s/);
    expect(stdout).toMatch(/classify +[\d,]+ images\/s/);
  }, 60_000);

  test('with --layers every layer is in one block, each with three passes', async () => {
    const { code, stdout } = await brightcell([...small, '--layers', '--json', '--threads', '1']);
    expect(code).toBe(0);
    const { blocks, peak, threads } = JSON.parse(stdout);
    expect(threads).toBe(1);
    expect(peak.float32).toBeGreaterThan(1e8);
    const passes = ['forward', 'backward', 'predict'];
    expect(blocks.map((block: { pass: string }) => block.pass)).toEqual(
      Array.from({ length: blocks.length }, (_, i) => passes[i % 3]),
    );
    for (const { milliseconds } of blocks) expect(milliseconds).toBeGreaterThan(0);
    const layers = blocks.filter((_: unknown, i: number) => i % 3 === 0);
    expect(layers[0].name).toBe('0 conv + maxPool + relu');
    expect(layers[0].multiplyAdds).toBe(32 * 11 * 11 * 16 * 20);
    expect(layers.flatMap(({ name }: { name: string }) => name.split(' + ')).length).toBe(17);
  }, 60_000);

  test('a network that does not exist is named in the error', async () => {
    const { code, stderr } = await brightcell(['bench', '--network', 'nonet']);
    expect(code).toBe(2);
    expect(stderr).toContain('cellnet-table1');
  });
});
