-- A version without what makes no difference: the leading v or = and blanks; anything else as written.
-- parameter version: a version as written
regexp_replace(trim(version), '^=?\s*v?(\d)', '\1')
