// For React's JSX, 18 and 19: `import 'kratos-onboarding-elements/react'` once, for its types.

import type { PasskeyEventMap, PasskeyManagerAttributes, PasskeyOfferAttributes } from './elements.js';

/** React 19 listens to any event by `on` and its name; with React 18 use a ref and `addEventListener`. */
type Listeners = { [K in keyof PasskeyEventMap as `on${K}`]?: (event: PasskeyEventMap[K]) => void };

interface Common {
  id?: string;
  key?: string | number | bigint | null;
  ref?: unknown;
  slot?: string;
  style?: unknown;
  /** React 18 writes it out as `classname`: use `class`. */
  class?: string;
  className?: string;
  children?: unknown;
}

interface Elements {
  'passkey-offer': PasskeyOfferAttributes & Listeners & Common;
  'passkey-manager': PasskeyManagerAttributes & Listeners & Common;
}

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements extends Elements {}
  }
}
