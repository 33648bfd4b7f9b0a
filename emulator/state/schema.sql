-- Every table of state.db, a section per service. Read at each start, so every statement is
-- "IF NOT EXISTS"; a change to a table that was already released is a migration in database.cpp.

-- names: the one place where the stack's names meet AWS's ids (equal in every world and after a reset)
CREATE TABLE IF NOT EXISTS names (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    id   TEXT NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS names_by_id ON names (kind, id);

-- cloudfront: every versioned resource is a document with a revision; invalidations belong to a distribution
CREATE TABLE IF NOT EXISTS cloudfront_resources (
    kind             TEXT NOT NULL,
    id               TEXT NOT NULL,
    name             TEXT NOT NULL,
    caller_reference TEXT NOT NULL,
    revision         INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    modified_at      INTEGER NOT NULL,
    config           TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cloudfront_tags (
    arn   TEXT NOT NULL,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (arn, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cloudfront_invalidations (
    distribution_id  TEXT NOT NULL,
    id               TEXT NOT NULL,
    caller_reference TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    paths            TEXT NOT NULL,
    report           TEXT NOT NULL,
    PRIMARY KEY (distribution_id, id)
) WITHOUT ROWID;
