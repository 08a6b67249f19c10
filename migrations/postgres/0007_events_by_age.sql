-- Events lie almost in the order of time: which pages hold old ones is known from a few bytes each, and costs next to
-- nothing when one is added.
CREATE INDEX events_by_age ON events USING brin (at) WITH (pages_per_range = 32, autosummarize = on);
