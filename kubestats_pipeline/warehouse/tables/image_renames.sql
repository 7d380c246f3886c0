-- One row per place from which images moved to another one under the same names. Kept by hand. A build refuses a table in which a place moved to
-- two others or on from the new one.
-- old_place: what the images' names began with, up to a slash
-- new_place: what they begin with now
-- source: the announcement
SELECT old_place, new_place, source
FROM (
    VALUES
        ('k8s.gcr.io/', 'registry.k8s.io/', 'https://kubernetes.io/blog/2022/11/28/registry-k8s-io-faster-cheaper-ga/'),
        ('cr.hotio.dev/hotio/', 'ghcr.io/hotio/', 'https://hotio.dev/containers/cloudflareddns/'),
        ('docker.io/bitnami/', 'docker.io/bitnamilegacy/', 'https://github.com/bitnami/containers/issues/83267')
) AS known (old_place, new_place, source)
ORDER BY old_place
