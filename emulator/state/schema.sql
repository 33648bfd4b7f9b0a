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

-- logs: groups, streams, events. Events are found by time in a stream and in a group.
CREATE TABLE IF NOT EXISTS log_groups (
    id             INTEGER PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    created_ms     INTEGER NOT NULL,
    retention_days INTEGER,
    log_class      TEXT NOT NULL,
    tags           TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS log_streams (
    id           INTEGER PRIMARY KEY,
    log_group    INTEGER NOT NULL,
    name         TEXT NOT NULL,
    created_ms   INTEGER NOT NULL,
    first_ms     INTEGER,
    last_ms      INTEGER,
    ingested_ms  INTEGER,
    stored_bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (log_group, name)
);
CREATE TABLE IF NOT EXISTS log_events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    log_group   INTEGER NOT NULL,
    stream      INTEGER NOT NULL,
    at_ms       INTEGER NOT NULL,
    ingested_ms INTEGER NOT NULL,
    message     TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS log_events_by_stream ON log_events (stream, at_ms, id);
CREATE INDEX IF NOT EXISTS log_events_by_group ON log_events (log_group, at_ms, id);

-- ssm: parameters and their versions; values apart, so that an export can leave them out
CREATE TABLE IF NOT EXISTS ssm_parameters (
    name     TEXT NOT NULL,
    version  INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (name, version)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ssm_values (
    name    TEXT NOT NULL,
    version INTEGER NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (name, version)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ssm_tags (
    name TEXT PRIMARY KEY,
    tags TEXT NOT NULL
) WITHOUT ROWID;

-- secretsmanager: secrets; values apart, so that an export can leave them out
CREATE TABLE IF NOT EXISTS secrets (
    name     TEXT PRIMARY KEY,
    arn      TEXT NOT NULL,
    document TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS secret_values (
    name    TEXT NOT NULL,
    version TEXT NOT NULL,
    text    TEXT,
    binary  BLOB,
    PRIMARY KEY (name, version)
) WITHOUT ROWID;

-- ecr: repositories, manifests as pushed, tags, and which layers a repository holds
CREATE TABLE IF NOT EXISTS ecr_repositories (
    name     TEXT PRIMARY KEY,
    document TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ecr_images (
    repository    TEXT NOT NULL,
    digest        TEXT NOT NULL,
    media_type    TEXT NOT NULL,
    artifact_type TEXT NOT NULL,
    size_bytes    INTEGER NOT NULL,
    pushed_at     INTEGER NOT NULL,
    pulled_at     INTEGER,
    subject       TEXT NOT NULL,
    manifest      BLOB NOT NULL,
    UNIQUE (repository, digest)
);
CREATE TABLE IF NOT EXISTS ecr_tags (
    repository TEXT NOT NULL,
    tag        TEXT NOT NULL,
    digest     TEXT NOT NULL,
    PRIMARY KEY (repository, tag)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ecr_tags_by_digest ON ecr_tags (repository, digest);
CREATE TABLE IF NOT EXISTS ecr_layers (
    repository TEXT NOT NULL,
    digest     TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    PRIMARY KEY (repository, digest)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ecr_layers_by_digest ON ecr_layers (digest);
CREATE TABLE IF NOT EXISTS ecr_scans (
    repository TEXT NOT NULL,
    digest     TEXT NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (repository, digest)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ecr_settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- ecs: each noun a document beside the key it is found by
CREATE TABLE IF NOT EXISTS ecs_clusters (
    name     TEXT PRIMARY KEY,
    document TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ecs_task_definitions (
    family   TEXT NOT NULL,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (family, revision)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ecs_services (
    cluster  TEXT NOT NULL,
    name     TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (cluster, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ecs_tasks (
    id       TEXT PRIMARY KEY,
    document TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ecs_settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
-- s3: keys are compared byte by byte (UTF-8 order), which is the order S3 lists them in.
CREATE TABLE IF NOT EXISTS s3_buckets (
    name TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    location TEXT NOT NULL,
    owner TEXT NOT NULL,
    ownership TEXT NOT NULL,
    versioning INTEGER NOT NULL,
    object_lock INTEGER NOT NULL,
    created INTEGER NOT NULL
) WITHOUT ROWID;
-- Sub-resources of a bucket, as sent: policy, cors, website, tagging … `id` for the kinds that have several.
CREATE TABLE IF NOT EXISTS s3_documents (
    bucket TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (bucket, kind, id)
) WITHOUT ROWID;
-- Every version of every object, delete markers included; a higher row is newer.
CREATE TABLE IF NOT EXISTS s3_versions (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    version TEXT NOT NULL,
    latest INTEGER NOT NULL,
    marker INTEGER NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified INTEGER NOT NULL,
    headers TEXT NOT NULL,
    redirect TEXT NOT NULL,
    storage_class TEXT NOT NULL,
    acl TEXT NOT NULL,
    tags TEXT NOT NULL,
    checksum_algorithm INTEGER,
    checksum_type INTEGER,
    checksum TEXT NOT NULL,
    parts INTEGER NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS s3_versions_latest ON s3_versions (bucket, key) WHERE latest = 1;
CREATE INDEX IF NOT EXISTS s3_versions_key ON s3_versions (bucket, key, row DESC);
-- The bytes of a version: one part, or those of its multipart upload.
CREATE TABLE IF NOT EXISTS s3_parts (
    version INTEGER NOT NULL,
    number INTEGER NOT NULL,
    blob TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (version, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS s3_parts_blob ON s3_parts (blob);
CREATE TABLE IF NOT EXISTS s3_uploads (
    id TEXT PRIMARY KEY,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    initiated INTEGER NOT NULL,
    initiator TEXT NOT NULL,
    headers TEXT NOT NULL,
    redirect TEXT NOT NULL,
    storage_class TEXT NOT NULL,
    acl TEXT NOT NULL,
    tags TEXT NOT NULL,
    checksum_algorithm INTEGER,
    checksum_type INTEGER NOT NULL,
    -- The version that was current when the upload began: a conditional completion notices a change.
    current INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS s3_uploads_key ON s3_uploads (bucket, key, initiated, id);
CREATE TABLE IF NOT EXISTS s3_upload_parts (
    upload TEXT NOT NULL,
    number INTEGER NOT NULL,
    blob TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    checksum TEXT NOT NULL,
    modified INTEGER NOT NULL,
    PRIMARY KEY (upload, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS s3_upload_parts_blob ON s3_upload_parts (blob);
