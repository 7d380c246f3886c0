-- One row per setting whose value must not be published, by its look and by who shares it.
-- `withhold.py` fills the temporary tables: `value_looks` has the values that are not shown by their look alone, `own_words`
-- the words that each release says elsewhere, `shared_values` what three repositories give to one path of one chart.
-- `build.py` sets these values to null before anything reads them. `verify.py` sees that none is left.
SELECT settings.row, settings.full_name
FROM chart_settings AS settings
LEFT JOIN own_words ON own_words.resource_id = settings.resource_id
LEFT JOIN shared_values AS shared
    ON shared.setting = settings.setting AND shared.chart_name IS NOT DISTINCT FROM settings.chart_name
WHERE
    settings.is_hidden
    OR (shared.setting IS NULL AND NOT list_has_all(coalesce(own_words.words, []), settings.words))
