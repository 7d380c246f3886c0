-- True if a chart, an app or an image is called by a name: the whole one, or its last part, as jellyfin is of ghcr.io/jellyfin/jellyfin. Case
-- does not matter. An empty name is an error.
-- parameter own: its own name, or null
-- parameter wanted: the name that somebody asks for
CASE
    WHEN trim(wanted) = '' THEN error('give the name of a chart, an app or an image, such as jellyfin')
    ELSE coalesce(lower(trim(wanted)) IN (lower(own), lower(split_part(own, '/', -1))), FALSE)
END
