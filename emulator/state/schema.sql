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

-- elbv2: documents are the API's own shapes, with Attributes and Tags
CREATE TABLE IF NOT EXISTS elbv2_load_balancers (
    arn      TEXT NOT NULL UNIQUE,
    document TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS elbv2_listeners (
    arn               TEXT NOT NULL UNIQUE,
    load_balancer_arn TEXT NOT NULL,
    document          TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS elbv2_rules (
    arn          TEXT NOT NULL UNIQUE,
    listener_arn TEXT NOT NULL,
    priority     INTEGER NOT NULL,
    document     TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS elbv2_target_groups (
    arn      TEXT NOT NULL UNIQUE,
    document TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS elbv2_targets (
    group_arn      TEXT NOT NULL,
    id             TEXT NOT NULL,
    port           INTEGER NOT NULL,
    zone           TEXT NOT NULL,
    registered     INTEGER NOT NULL,  -- microseconds since the epoch
    draining_since INTEGER NOT NULL,  -- 0 = not draining
    UNIQUE (group_arn, id, port)
);
