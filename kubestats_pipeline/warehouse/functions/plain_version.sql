-- A version without its leading v or = and blanks. Everything else stays as written.
-- parameter version: a version as written
regexp_replace(trim(version), '^=?\s*v?(\d)', '\1')
