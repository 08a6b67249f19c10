import { fileURLToPath } from 'node:url';
import { isAbsolute, join } from 'node:path';

/** The repository. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const TARGET = process.env.CARGO_TARGET_DIR ?? 'target';

/** Where cargo builds. */
export const BUILT = isAbsolute(TARGET) ? TARGET : join(ROOT, TARGET);

/** Where a run leaves what is to be looked at. */
export const LEFT = join(BUILT, 'browser');
