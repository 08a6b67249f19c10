import { chromium } from 'playwright-core';

/**
 * The browser: Debian's, or the one that `CHROMIUM_BIN` names. With a profile of its own.
 *
 * @param {boolean} keepsPages a page that was left is kept as it was, and Back shows it so; playwright's way is to load it anew
 */
export function launch(keepsPages) {
  return chromium.launch({
    ignoreDefaultArgs: keepsPages ? ['--disable-back-forward-cache'] : [],
    executablePath: process.env.CHROMIUM_BIN ?? '/usr/bin/chromium',
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // No name but localhost means anything: a request elsewhere fails, and fails the test.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1',
    ],
  });
}
