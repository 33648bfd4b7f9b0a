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
