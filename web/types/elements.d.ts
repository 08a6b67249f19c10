// The contract of the elements, version 1.

/** Where the browser is about to be sent. `preventDefault()` and go there yourself, or nowhere. */
export interface NavigateDetail {
  /**
   * `continue`: on to where the person was going. `reauthenticate`, `second_factor`, `sign_in`: round by Kratos and back.
   * `manage`: to the passkeys.
   */
  why: 'continue' | 'reauthenticate' | 'second_factor' | 'sign_in' | 'manage';
  /** Absolute. */
  url: string;
}

/** What the service decided; see its OpenAPI document. */
export interface DecisionDetail {
  decision: 'offer' | 'later' | 'done' | 'never' | 'required' | (string & {});
  reason: string;
}

export interface FailedDetail {
  kind:
    | 'timeout'
    | 'no_gesture'
    | 'already_registered'
    | 'config'
    | 'network'
    | 'kratos'
    | 'privilege_not_gained'
    | 'unsupported'
    | 'unknown'
    | (string & {});
}

/** All bubble, and leave shadow roots. */
export interface PasskeyEventMap {
  'passkey-decision': CustomEvent<DecisionDetail>;
  /** In view for a second; once a session of the browser. */
  'passkey-offered': CustomEvent<Record<string, never>>;
  'passkey-started': CustomEvent<Record<string, never>>;
  /** Kratos has it. */
  'passkey-created': CustomEvent<Record<string, never>>;
  'passkey-removed': CustomEvent<Record<string, never>>;
  'passkey-skipped': CustomEvent<Record<string, never>>;
  'passkey-dismissed': CustomEvent<Record<string, never>>;
  'passkey-cancelled': CustomEvent<Record<string, never>>;
  'passkey-failed': CustomEvent<FailedDetail>;
  'passkey-unavailable': CustomEvent<FailedDetail>;
  /** Cancelable. */
  'passkey-navigate': CustomEvent<NavigateDetail>;
}

/** Attributes that both elements take. */
export interface PasskeyAttributes {
  /** Where the service is; by default where this module came from. A bundle has to say it. */
  'service-url'?: string;
  /** Where the person was going. The service decides whether it may be gone to. */
  'return-to'?: string;
  /** Where to go on to while the service cannot say it. By default `return-to` on this page's own origin, else `/`. */
  'default-return-to'?: string;
  /** What the place is called; by default as Kratos's relying party. */
  'app-name'?: string;
  logo?: string;
  /** `#rgb` or `#rrggbb`; made readable where it is not. */
  'brand-colour'?: string;
  'support-url'?: string;
  /** BCP 47; by default that of the page around it. There are en, de, fr, es, ja and ar. */
  lang?: string;
  /** JSON: texts in the place of ours, by key (`elements/words/en.js` has them all). */
  words?: string;
  /** `1` to `5`, `2` by default. */
  'heading-level'?: string;
  /** `light` or `dark`; by default as the system. */
  theme?: 'light' | 'dark';
}

export interface PasskeyOfferAttributes extends PasskeyAttributes {
  /**
   * `page` (default): the offer is what the page is for, and where there is none the person goes on at once. `card`: part
   * of another page, and nothing at all where there is no offer.
   */
  placement?: 'page' | 'card';
}

export type PasskeyManagerAttributes = PasskeyAttributes;

interface PasskeyElement extends HTMLElement {
  addEventListener<K extends keyof PasskeyEventMap>(
    type: K,
    listener: (event: PasskeyEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener<K extends keyof HTMLElementEventMap>(
    type: K,
    listener: (event: HTMLElementEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

export interface PasskeyOffer extends PasskeyElement {}
export interface PasskeyManager extends PasskeyElement {}
export const PasskeyOffer: { new (): PasskeyOffer; prototype: PasskeyOffer };
export const PasskeyManager: { new (): PasskeyManager; prototype: PasskeyManager };

declare global {
  interface HTMLElementTagNameMap {
    'passkey-offer': PasskeyOffer;
    'passkey-manager': PasskeyManager;
  }
}
