// How long a try at a passkey may take.

/** Kratos offers up to five minutes; longer than this the session may be too old when the person is done. */
export const TIMEOUT_MS = 120_000;
/** From the click until Kratos has it. */
export const NEEDED_MS = TIMEOUT_MS + 30_000;
