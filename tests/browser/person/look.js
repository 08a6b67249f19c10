// How a page looks: to the eye, to assistive technology, to axe.

import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { LEFT } from '../world/paths.js';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };

/** @typedef {import('playwright-core').Page} Page */

/**
 * The element that has the focus, through shadow roots.
 *
 * @param {Page} page
 * @returns {Promise<{ tag: string, text: string }>} `text`: its label, or what it says
 */
export function focused(page) {
  return page.evaluate(() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    const text = element?.ariaLabel ?? /** @type {HTMLElement | null} */ (element)?.innerText ?? '';
    return { tag: element?.localName ?? '', text: element === document.body ? '' : text.trim() };
  });
}

/** Roles and names as assistive technology has them. @param {Page} page */
export function tree(page) {
  return page.locator('body').ariaSnapshot();
}

/**
 * What axe finds against WCAG 2.2 A and AA, and against its good practice.
 *
 * @param {Page} page
 * @param {string[]} [without] rules that do not hold here
 * @returns {Promise<string[]>}
 */
export async function violations(page, without = []) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(await readFile(AXE, 'utf8'));
  const found = await page.evaluate(async (without) => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await /** @type {any} */ (window).axe.run(document, { runOnly: tags });
    return violations.filter((/** @type {any} */ { id }) => !without.includes(id));
  }, without);
  return found.map((/** @type {any} */ { id, help, nodes }) => {
    const where = nodes.map((/** @type {any} */ node) => `${node.target.flat().join(' >> ')}: ${node.failureSummary}`);
    return `${id}: ${help}\n  ${where.join('\n  ')}`;
  });
}

/**
 * Keeps what the page looks like now: light and dark, on a phone and on a desktop.
 *
 * @param {Page} page
 * @param {string} name of the state
 */
export async function keep(page, name) {
  const before = page.viewportSize();
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      await page.emulateMedia({ colorScheme });
      const path = join(LEFT, 'screenshots', `${name}-${colorScheme}-${size}.png`);
      await mkdir(dirname(path), { recursive: true });
      await page.screenshot({ path, animations: 'disabled' });
    }
  }
  await page.emulateMedia({ colorScheme: null });
  if (before) await page.setViewportSize(before);
}
