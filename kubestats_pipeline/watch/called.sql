-- The repository of a full name, or, where none has it now, one that had it before. Case does not matter.
-- parameter name: full name
SELECT repository_id
FROM repositories
WHERE lower(full_name) = lower($name) OR list_contains(list_transform(previous_names, lambda one: lower(one)), lower($name))
ORDER BY lower(full_name) = lower($name) DESC, status = 'active' DESC, repository_id
LIMIT 1
