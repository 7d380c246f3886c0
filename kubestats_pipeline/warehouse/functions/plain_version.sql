-- A version without its leading v or = and blanks, and without the digest beside a tag. Everything else stays as written.
-- parameter version: a version as written
regexp_replace(regexp_replace(trim(version), '^=?\s*v?(\d)', '\1'), '^([^@]+)@sha(256|512):[0-9a-f]+$', '\1')
