-- What has become of passkeys that Kratos was handed, and no longer holds.
-- Of the identity right before the hand-in, by Kratos's clock.
ALTER TABLE made_passkeys ADD COLUMN before_at INTEGER;
ALTER TABLE made_passkeys ADD COLUMN absence TEXT CHECK (absence IN ('unasked', 'lost', 'in_doubt'));
ALTER TABLE made_passkeys ADD COLUMN absent_since INTEGER;
-- Kratos knows no such identity since then.
ALTER TABLE made_passkeys ADD COLUMN gone_at INTEGER;
-- Moves with each change of the above: whoever decided on what was before decides again.
ALTER TABLE made_passkeys ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

CREATE INDEX made_passkeys_unasked ON made_passkeys (identity) WHERE absence = 'unasked';
-- What is forgotten one day.
CREATE INDEX made_passkeys_in_vain ON made_passkeys (made_at) WHERE imported_at IS NULL;
CREATE INDEX made_passkeys_removed ON made_passkeys (removed_at) WHERE removed_at IS NOT NULL;
CREATE INDEX made_passkeys_in_doubt ON made_passkeys (absent_since) WHERE absence = 'in_doubt';
CREATE INDEX made_passkeys_gone ON made_passkeys (gone_at) WHERE gone_at IS NOT NULL;
