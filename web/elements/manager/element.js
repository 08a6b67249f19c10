// `<passkey-manager>`: attributes in, events out.

import { baseOf } from '../service/base.js';
import { Onboarding } from '../service/onboarding.js';
import { inputs } from '../surface/inputs.js';
import { Surface } from '../surface/surface.js';
import { words } from '../words/words.js';
import { Course } from './course.js';
import { datesOf } from './labels.js';
import { naming, removal, scene } from './scenes.js';

export class PasskeyManager extends Surface {
  static observedAttributes = ['lang', 'words', 'app-name', 'logo', 'brand-colour', 'support-url', 'heading-level'];

  /** @type {Course | null} */
  #course = null;
  /** @type {import('../words/words.js').Words | null} */
  #words = null;
  #listening = new AbortController();

  connectedCallback() {
    void this.#begin();
  }

  disconnectedCallback() {
    this.#listening.abort();
    this.#course?.end();
    this.#course = null;
  }

  attributeChangedCallback() {
    if (this.#course) void this.#speak();
  }

  async #begin() {
    const course = new Course(new Onboarding(baseOf(this)), this.getAttribute('return-to'), {
      show: (_, cause) => this.#draw(cause),
      askToRemove: (item) => this.#askToRemove(item),
      navigate: (why, url, how) => this.leave(why, url, how),
      tell: (event, detail) => this.tell(event, detail),
    });
    this.#course = course;
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    window.addEventListener('pageshow', (event) => event.persisted && course.lookAgain(), { signal });
    const look = () => document.visibilityState === 'visible' && void course.lookAgain();
    document.addEventListener('visibilitychange', look, { signal });
    await this.#speak();
    if (!signal.aborted) await course.start();
  }

  async #speak() {
    const { wished, overrides, colour } = inputs(this);
    this.#words = await words(wished, overrides, () => this.#app);
    this.speak(this.#words.language, this.#words.direction);
    this.paint(colour);
    this.#draw('itself');
  }

  get #app() {
    return inputs(this).app ?? this.#course?.app ?? location.hostname;
  }

  /** @param {import('../surface/surface.js').Cause} cause */
  #draw(cause) {
    const [course, spoken] = [this.#course, this.#words];
    if (!course || !spoken) return;
    const { logo, supportUrl, level } = inputs(this);
    const to = course.returnTo;
    const actions = {
      add: (/** @type {'passkey' | 'security_key'} */ which) => this.#add(which),
      askToRemove: (/** @type {import('./state.js').Item} */ item) => this.#askToRemove(item),
      refresh: () => void course.refresh(),
      retry: () => void course.start(),
      signIn: () => course.rounds.signIn(),
      secondFactor: () => course.rounds.secondFactor(),
      startOver: () => location.reload(),
      back: to ? () => this.leave('continue', to, 'assign') : null,
    };
    this.show(scene(course.state, spoken, actions, { logo, supportUrl, level, isCard: false, app: this.#app }), cause);
  }

  /**
   * From a click, and so is the one in the dialog.
   *
   * @param {'passkey' | 'security_key'} which
   */
  #add(which) {
    const [course, spoken] = [this.#course, this.#words];
    if (!course || !spoken) return;
    if (!course.asksForName(which)) course.add(which, '');
    else this.ask(naming(which, course.proposedName(which) ?? spoken.say('held.security_key'), spoken, (name) => course.add(which, name)));
  }

  /** @param {import('./state.js').Item} item */
  #askToRemove(item) {
    const [course, spoken] = [this.#course, this.#words];
    if (!course || !spoken) return;
    const items = course.state.name === 'list' ? course.state.items : [item];
    const date = datesOf(items, spoken).get(item.id) ?? null;
    this.ask(removal(item, { words: spoken, date, isPrivileged: course.isPrivileged, confirmed: () => course.remove(item) }));
  }
}
