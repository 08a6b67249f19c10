// The two custom elements, version 1 of their contract: attributes, events, parts and custom properties.
// Importing it twice, or without a DOM, does no harm.

import { PasskeyManager } from './manager/element.js';
import { PasskeyOffer } from './offer/element.js';

// A browser without constructed style sheets keeps what stands in the page without us.
if (globalThis.customElements && 'adoptedStyleSheets' in Document.prototype) {
  if (!customElements.get('passkey-offer')) customElements.define('passkey-offer', PasskeyOffer);
  if (!customElements.get('passkey-manager')) customElements.define('passkey-manager', PasskeyManager);
}

export { PasskeyManager, PasskeyOffer };
