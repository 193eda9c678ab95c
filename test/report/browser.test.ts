/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { report } from '../../src/report/report.ts';
import { hasBrowser, launch, type OpenPage, openFile } from './browser.ts';
import { hasRealImages, makeRealRun, type RealSet } from './realRun.ts';

/** Cells of each class, and whether the pictures of what the network sees are made. */
const sets: [RealSet, number, boolean][] = [
  ['flowcam', 40, true],
  ['mitocheck', 14, false],
];

describe.skipIf(!hasBrowser || !hasRealImages).each(sets)(
  'the report of a run on %s, in Chromium',
  (name, cells, explain) => {
    let browser: Browser;
    let made: Awaited<ReturnType<typeof makeRealRun>>;
    let file: string;
    let open: OpenPage;
    beforeAll(async () => {
      made = await makeRealRun(name, cells);
      if (!explain) await leaveSheet(made.run);
      file = (await report([made.run], { explain })).out;
      browser = await launch();
      open = await openFile(browser, file, { viewport: { width: 1100, height: 800 } });
    }, 240_000);
    afterAll(async () => {
      await browser?.close();
      await made?.remove();
    });

    test('the console stays silent, nothing but the file is loaded, and it has less than 10 MB', async () => {
      expect(open.said).toEqual([]);
      expect(open.requests.length).toBe(1);
      expect((await readFile(file)).length).toBeLessThan(10_000_000);
    });

    test('every figure is there, drawn, described, and can be saved with its data', async () => {
      const figures = await open.page.locator('figure').evaluateAll(all =>
        all.map(figure => {
          const image = figure.querySelector('img')!;
          const links = [...figure.querySelectorAll('a')];
          return {
            drawn: image.complete && image.naturalWidth > 100,
            alt: image.alt.length > 10,
            saves: links.map(one => `${one.getAttribute('download')} ${one.href.slice(5, 14)}`),
          };
        }),
      );
      expect(figures.filter(one => !one.drawn || !one.alt)).toEqual([]);
      const saves = figures.flatMap(one => one.saves);
      for (const stem of ['classes', 'training', 'roc-test', 'precision-recall-test', 'reliability-test']) {
        expect(saves).toContain(`${stem}.svg image/svg`);
        expect(saves).toContain(`${stem}.csv text/csv;`);
      }
      expect(saves).toContain('cell.svg image/svg');
      const explained = ['filters-conv1-filters', 'occlusion-classes', 'embed-classes', 'embed-separability'];
      expect(explained.filter(stem => saves.some(one => one.startsWith(`${stem}.`)))).toEqual(
        explain ? explained : [],
      );
      const images = await open.page
        .locator('main img')
        .evaluateAll(all => all.map(one => (one as HTMLImageElement).naturalWidth));
      expect(Math.min(...images)).toBeGreaterThan(0);
    });

    test('a figure is saved as SVG, and its data as CSV', async () => {
      for (const [link, start] of [
        ['training.svg', '<svg '],
        ['training.csv', 'run,epoch,learning_rate'],
      ] as const) {
        const [download] = await Promise.all([
          open.page.waitForEvent('download'),
          open.page.locator(`a[download="${link}"]`).click(),
        ]);
        expect(download.suggestedFilename()).toBe(link);
        expect(await readFile(await download.path(), 'utf8')).toMatch(new RegExp(`^${start}`));
      }
    });

    test.skipIf(explain)('a sheet of photographs is saved as SVG too, the image as PNG within', async () => {
      const sheets = open.page.locator('figure:has(img[src^="data:image/webp"]) a[data-save]');
      expect(await sheets.count()).toBe(1);
      const [download] = await Promise.all([
        open.page.waitForEvent('download'),
        sheets.first().evaluate(link => (link as HTMLAnchorElement).click()),
      ]);
      expect(download.suggestedFilename()).toMatch(/\.svg$/);
      const text = await readFile(await download.path(), 'utf8');
      expect(text).toMatch(/^<svg [^>]*><image href="data:image\/png;base64,/);
      const { width } = await sharp(Buffer.from(text)).metadata();
      expect(width).toBeGreaterThan(300);
    });

    test('links within the page lead somewhere, and every id stands once', async () => {
      const { targets, ids } = await open.page.evaluate(() => ({
        targets: [...document.querySelectorAll('a[href^="#"]')].map(one =>
          one.getAttribute('href')!.slice(1),
        ),
        ids: [...document.querySelectorAll('[id]')].map(one => one.id),
      }));
      expect(targets.length).toBeGreaterThan(9);
      expect(targets.filter(target => !ids.includes(target))).toEqual([]);
      expect(new Set(ids).size).toBe(ids.length);
    });

    test('the keyboard reaches a confusion cell, opens its images, and Escape goes back to it', async () => {
      const { page } = open;
      await page.locator('#confusion').evaluate(heading => {
        heading.tabIndex = -1;
        heading.focus();
      });
      const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? '');
      for (let i = 0; i < 4 && !(await focused()).includes('show images'); i++)
        await page.keyboard.press('Tab');
      const cell = await focused();
      expect(cell).toMatch(/\d+ .* cells? (named rightly|taken for .*): show images/);
      await page.keyboard.press('Enter');
      const dialog = page.getByRole('dialog');
      expect(await dialog.getAttribute('aria-label')).toBe(cell);
      const widths = await dialog.locator('img').evaluateAll(all =>
        Promise.all(
          all.map(async one => {
            await (one as HTMLImageElement).decode();
            return (one as HTMLImageElement).naturalWidth;
          }),
        ),
      );
      expect(widths.length).toBe(Math.min(24, Number(/\d+/.exec(cell)![0])));
      expect(Math.min(...widths)).toBe(48);
      await page.keyboard.press('Escape');
      expect(await dialog.count()).toBe(0);
      expect(await focused()).toBe(cell);
      await page.keyboard.press('Enter');
      await page.keyboard.press('Enter'); // the button that closes has the focus
      expect(await dialog.count()).toBe(0);
    });

    test('a screen reader finds landmarks, headings in order, and tables with captions and heads', async () => {
      const found = await open.page.evaluate(() => ({
        lang: document.documentElement.lang,
        landmarks: ['main', 'header', 'nav[aria-label]', 'footer'].map(
          one => document.querySelectorAll(one).length,
        ),
        levels: [...document.querySelectorAll('h1, h2, h3')].map(one => Number(one.tagName[1])),
        tables: [...document.querySelectorAll('table')].filter(
          one => !one.caption?.textContent || one.querySelectorAll('th[scope]').length === 0,
        ).length,
        images: [...document.querySelectorAll('img')].filter(one => !one.alt).length,
      }));
      expect(found).toMatchObject({ lang: 'en', landmarks: [1, 1, 1, 1], tables: 0, images: 0 });
      expect(found.levels.filter(one => one === 1).length).toBe(1);
      expect(found.levels.every((one, i) => i === 0 || one <= found.levels[i - 1]! + 1)).toBe(true);
    });

    test.each(['light', 'dark'] as const)(
      '%s: all text stands out from what is behind it by 4.5 to 1',
      async colorScheme => {
        const { page } = await openFile(browser, file, { colorScheme });
        const poor = await page.evaluate(findPoorContrast);
        expect(poor).toEqual([]);
        const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        expect(paper).toBe(colorScheme === 'dark' ? 'rgb(26, 26, 26)' : 'rgb(255, 255, 255)');
        await page.close();
      },
    );

    test('nothing is wider than the page, on a telephone and on A4, where tables are whole', async () => {
      const { page } = await openFile(browser, file, { viewport: { width: 380, height: 700 } });
      const beyond = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(await beyond()).toBeLessThanOrEqual(0);
      await page.emulateMedia({ media: 'print' });
      await page.setViewportSize({ width: 688, height: 1000 }); // 182 mm
      const cut = await page.evaluate(() =>
        [...document.querySelectorAll('table')]
          .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
          .map(one => one.caption?.textContent),
      );
      expect(cut).toEqual([]);
      expect((await page.pdf({ format: 'A4' })).length).toBeGreaterThan(20_000);
      await page.close();
    });
  },
);

/** Texts whose colour is too near to their background's (WCAG 2, level AA); runs in the page. */
function findPoorContrast(): string[] {
  const parse = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const over = ([r, g, b, a = 1]: number[], under: number[]) =>
    [r!, g!, b!].map((one, i) => one * a + under[i]! * (1 - a));
  const behind = (element: Element | null): number[] => {
    if (!element) return [255, 255, 255];
    const own = parse(getComputedStyle(element).backgroundColor);
    return own[3] === 0 ? behind(element.parentElement) : over(own, behind(element.parentElement));
  };
  const light = (colour: number[]) => {
    const [r, g, b] = colour.map(one => {
      const share = one / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  return [...document.querySelectorAll('body *')].flatMap(element => {
    const text = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent!.trim() !== '');
    if (!text || element.closest('script, style, template, dialog')) return [];
    const back = behind(element);
    const [a, b] = [light(over(parse(getComputedStyle(element).color), back)), light(back)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    return ratio < 4.5 ? [`${element.tagName} ${element.className} ${ratio.toFixed(2)}`] : [];
  });
}

/** A figure that there is as PNG only, among the occlusion maps. */
async function leaveSheet(run: string): Promise<void> {
  const folder = join(run, 'explain', 'occlusion');
  await mkdir(join(folder, 'figures'), { recursive: true });
  await writeFile(join(folder, 'occlusion.json'), '{}');
  const gray = { width: 400, height: 300, channels: 1 as const };
  await sharp(new Uint8Array(400 * 300).fill(99), { raw: gray })
    .png()
    .toFile(join(folder, 'figures', 'sheet.png'));
}
