import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Debian's Chromium, or the one that CHROMIUM names. */
export const chromiumPath =
  [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
    path => path !== undefined && existsSync(path),
  ) ?? '/usr/bin/chromium';

/** Tests in a browser are left out where there is none, but not under CI. */
export const hasBrowser = existsSync(chromiumPath) || process.env.CI !== undefined;

/** Root has no sandbox. */
export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
}

export interface OpenPage {
  page: Page;
  /** All that the console said, and every error in the page. */
  said: string[];
  /** Whatever was loaded, the page itself first; data: aside. */
  requests: string[];
}

/** Opens a file as a reader does, from disk. */
export async function openFile(
  browser: Browser,
  file: string,
  options: Parameters<Browser['newPage']>[0] = {},
): Promise<OpenPage> {
  const page = await browser.newPage(options);
  const said: string[] = [];
  const requests: string[] = [];
  page.on('console', message => said.push(message.text()));
  page.on('pageerror', error => said.push(String(error)));
  page.on('request', request => {
    if (!request.url().startsWith('data:')) requests.push(request.url());
  });
  await page.goto(pathToFileURL(file).href);
  return { page, said, requests };
}
