// `<passkey-manager>`: attributes in, events out.

import { baseOf } from '../service/base.js';
import { Onboarding } from '../service/onboarding.js';
import { PasskeyElement } from '../surface/element.js';
import { Course } from './course.js';
import { datesOf } from './labels.js';
import { naming, removal, scene } from './scenes.js';

/** @augments {PasskeyElement<Course>} */
export class PasskeyManager extends PasskeyElement {
  begin() {
    return new Course(new Onboarding(baseOf(this)), this.getAttribute('return-to'), {
      show: (_, cause) => this.draw(cause),
      askToRemove: (item) => this.#askToRemove(item),
      navigate: (why, url, how) => this.leave(why, url, how),
      tell: (event, detail) => this.tell(event, detail),
    });
  }

  /**
   * @param {Course} course
   * @param {import('../words/words.js').Words} words
   * @param {import('../surface/parts.js').Frame} frame
   */
  scene(course, words, frame) {
    const to = course.returnTo;
    const actions = {
      add: (/** @type {'passkey' | 'security_key'} */ which) => this.#add(which),
      askToRemove: (/** @type {import('./state.js').Item} */ item) => this.#askToRemove(item),
      refresh: () => void course.refresh(),
      retry: () => void course.retry(),
      ways: course.rounds.ways,
      back: to ? () => this.leave('continue', to, 'assign') : null,
    };
    return scene(course.state, words, actions, frame);
  }

  /**
   * From a click, and so is the one in the dialog.
   *
   * @param {'passkey' | 'security_key'} which
   */
  #add(which) {
    if (!this.spoken) return;
    const { course, words } = this.spoken;
    if (!course.asksForName(which)) course.add(which, '');
    else this.ask(naming(which, course.proposedName(which) ?? words.say('held.security_key'), words, (name) => course.add(which, name)));
  }

  /** @param {import('./state.js').Item} item */
  #askToRemove(item) {
    if (!this.spoken) return;
    const { course, words } = this.spoken;
    const items = course.state.name === 'list' ? course.state.items : [item];
    const date = datesOf(items, words).get(item.id) ?? null;
    this.ask(removal(item, { words, date, isPrivileged: course.isPrivileged, confirmed: () => course.remove(item) }));
  }
}
