// A test: one person (or more) in one world. Whatever goes wrong in a browser fails it.

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { launch } from './person/chromium.js';
import { Person } from './person/person.js';
import { tree } from './person/look.js';
import { LEFT } from './world/paths.js';
import { World } from './world/world.js';

/** @typedef {import('./person/person.js').Circumstances} Circumstances */

/**
 * @typedef {object} Scene
 * @property {World} world
 * @property {Person} person who has not registered yet
 * @property {import('playwright-core').Page} page of that person
 * @property {(circumstances?: Circumstances) => Promise<Person>} another somebody else, with a browser of their own
 */

/** By whether it keeps pages that were left. @type {Map<boolean, ReturnType<typeof launch>>} */
const browsers = new Map();
after(() => Promise.all([...browsers.values()].map(async (browser) => (await browser).close())));

/**
 * Tests of one world, which starts with the first of them and ends with the file.
 *
 * @param {Partial<import('./world/world.js').Arrangement>} [otherwise]
 */
export function inWorld(otherwise) {
  /** @type {Promise<World> | undefined} */
  let started;
  after(async () => (await started?.catch(() => undefined))?.stop());

  /**
   * @param {string} name a sentence
   * @param {(scene: Scene) => Promise<void>} body
   * @param {Circumstances & { ownWorld?: boolean, keepsPages?: boolean, skip?: string | undefined }} [circumstances]
   *   `ownWorld`: for what leaves it broken; `keepsPages`: a page that was left is shown again as it was; `skip`: why
   */
  return (name, body, { ownWorld = false, keepsPages = false, skip, ...circumstances } = {}) => {
    void test(name, { timeout: 60_000, ...(skip && { skip }) }, async () => {
      const browser = browsers.get(keepsPages) ?? launch(keepsPages);
      browsers.set(keepsPages, browser);
      if (!ownWorld) started ??= World.start(otherwise);
      const world = await (ownWorld ? World.start(otherwise) : /** @type {Promise<World>} */ (started));
      /** @type {Person[]} */
      const people = [];
      const another = async (/** @type {Circumstances} */ circumstances = {}) => {
        const person = await Person.with(world, await browser, circumstances);
        people.push(person);
        return person;
      };
      try {
        const person = await another(circumstances);
        await body({ world, person, page: person.page, another });
        // What the browser has already said has arrived once it answers.
        // One that is just leaving for another page does not.
        const pages = people.flatMap(({ context }) => context.pages());
        await Promise.all(pages.map((page) => page.evaluate(() => 0).catch(() => undefined)));
        const problems = people.flatMap(({ watch }) => watch.problems);
        assert.deepEqual(problems, [], 'something went wrong in a browser');
      } catch (error) {
        await tellWhy(name, world, people);
        throw error;
      } finally {
        await Promise.all(people.map(({ context }) => context.close()));
        world.hooks.release();
        world.hooks.lose(false);
        if (ownWorld) await world.stop();
      }
    });
  };
}

/** @param {string} name @param {World} world @param {Person[]} people */
async function tellWhy(name, world, people) {
  const file = join(LEFT, 'failures', name.replaceAll(/[^\p{L}\p{N}]+/gu, '-').slice(0, 100));
  await mkdir(join(LEFT, 'failures'), { recursive: true });
  const lines = [];
  for (const { email, watch, context } of people) {
    lines.push(`--- ${email}`, ...watch.problems.map((problem) => `problem: ${problem}`));
    for (const [index, page] of context.pages().entries()) {
      await page.screenshot({ path: `${file}-${index}.png`, timeout: 3_000 }).catch(() => undefined);
      const roles = await Promise.race([
        tree(page).catch((error) => String(error)),
        new Promise((resolve) => setTimeout(resolve, 3_000, 'the page does not answer')),
      ]);
      lines.push(`at ${page.url()}`, String(roles));
    }
    lines.push('console:', ...watch.console.slice(-30), 'requests:', ...watch.requests.slice(-40));
    lines.push('ceremonies:', ...watch.ceremonies.map((ceremony) => JSON.stringify({ ...ceremony, page: undefined })));
  }
  lines.push(world.logs());
  await writeFile(`${file}.txt`, lines.join('\n'));
  console.error(`\n=== ${name}\n${lines.join('\n').slice(-12_000)}\n=== all of it: ${file}.txt`);
}
