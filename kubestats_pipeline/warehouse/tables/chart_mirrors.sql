-- One row per address that is known to serve the charts of another one: moved repositories, OCI beside HTTP, and mirrors. Kept by hand, and
-- chart_families follows it. A build refuses a table in which an address is of two families or a home has a home.
-- address: canonical location of charts, with * for the name of the chart
-- home: canonical location that stands for it in a family, with * for the name of the chart
-- source: the page on which the project or the mirror says so
SELECT address, home, source
FROM (
    VALUES
        ('https://kubernetes-charts.storage.googleapis.com', 'https://charts.helm.sh/stable', 'https://helm.sh/blog/new-location-stable-incubator-charts/'),
        ('https://kubernetes-charts-incubator.storage.googleapis.com', 'https://charts.helm.sh/incubator', 'https://helm.sh/blog/new-location-stable-incubator-charts/'),
        ('https://bjw-s.github.io/helm-charts', 'oci://ghcr.io/bjw-s-labs/helm/*', 'https://github.com/bjw-s-labs/helm-charts'),
        ('https://bjw-s-labs.github.io/helm-charts', 'oci://ghcr.io/bjw-s-labs/helm/*', 'https://github.com/bjw-s-labs/helm-charts'),
        ('oci://ghcr.io/bjw-s/helm/*', 'oci://ghcr.io/bjw-s-labs/helm/*', 'https://github.com/bjw-s-labs/helm-charts'),
        ('oci://docker.io/bitnamicharts/*', 'https://charts.bitnami.com/bitnami', 'https://blog.bitnami.com/2023/04/httpsblog.bitnami.com202304bitnami-helm-charts-now-oci.html'),
        ('oci://registry-1.docker.io/bitnamicharts/*', 'https://charts.bitnami.com/bitnami', 'https://blog.bitnami.com/2023/04/httpsblog.bitnami.com202304bitnami-helm-charts-now-oci.html'),
        ('oci://quay.io/jetstack/charts/*', 'https://charts.jetstack.io', 'https://cert-manager.io/docs/installation/helm/'),
        ('oci://ghcr.io/prometheus-community/charts/*', 'https://prometheus-community.github.io/helm-charts', 'https://github.com/prometheus-community/helm-charts'),
        ('oci://ghcr.io/traefik/helm/*', 'https://traefik.github.io/charts', 'https://github.com/traefik/traefik-helm-chart'),
        ('oci://ghcr.io/home-operations/charts-mirror/cilium', 'https://helm.cilium.io', 'https://github.com/home-operations/charts-mirror/blob/471d52da60ae3ef7d7bc893e495f9b14a1a7018d/apps/cilium/metadata.yaml'),
        ('oci://ghcr.io/home-operations/charts-mirror/csi-driver-nfs', 'https://raw.githubusercontent.com/kubernetes-csi/csi-driver-nfs/master/charts', 'https://github.com/home-operations/charts-mirror/blob/013840c87cd53217c3fae6a55838b69cacaf7cb6/apps/csi-driver-nfs/metadata.yaml'),
        ('oci://ghcr.io/home-operations/charts-mirror/descheduler', 'https://kubernetes-sigs.github.io/descheduler', 'https://github.com/home-operations/charts-mirror/blob/9349ce77b9f359935b58b6163f830e373ffb63f1/apps/descheduler/metadata.yaml'),
        ('oci://ghcr.io/home-operations/charts-mirror/external-dns', 'https://kubernetes-sigs.github.io/external-dns', 'https://github.com/home-operations/charts-mirror/blob/0532a6f816935ecbe121ce2280f676500c2e9b9b/apps/external-dns/metadata.yaml'),
        ('oci://ghcr.io/home-operations/charts-mirror/longhorn', 'https://charts.longhorn.io', 'https://github.com/home-operations/charts-mirror/blob/5805c3c410ab2bc4da46ecdda5d2455e81e261fc/apps/longhorn/metadata.yaml'),
        ('oci://ghcr.io/home-operations/charts-mirror/metrics-server', 'https://kubernetes-sigs.github.io/metrics-server', 'https://github.com/home-operations/charts-mirror/blob/4fc0b21e2cea0e81a04a50b9edc909ec8aa85a8b/charts/metrics-server/metadata.yaml'),
        ('oci://ghcr.io/home-operations/charts-mirror/node-feature-discovery', 'https://kubernetes-sigs.github.io/node-feature-discovery/charts', 'https://github.com/home-operations/charts-mirror/blob/9349ce77b9f359935b58b6163f830e373ffb63f1/apps/node-feature-discovery/metadata.yaml'),
        ('oci://ghcr.io/home-operations/charts-mirror/openebs', 'https://openebs.github.io/openebs', 'https://github.com/home-operations/charts-mirror/blob/4fc0b21e2cea0e81a04a50b9edc909ec8aa85a8b/charts/openebs/metadata.yaml'),
        ('oci://ghcr.io/home-operations/charts-mirror/tailscale-operator', 'https://pkgs.tailscale.com/helmcharts', 'https://github.com/home-operations/charts-mirror/blob/041e6f6e4b3435384ae4bc6b4b42fabf26fad5da/apps/tailscale-operator/metadata.yaml'),
        ('oci://ghcr.io/home-operations/charts-mirror/volsync', 'https://backube.github.io/helm-charts', 'https://github.com/home-operations/charts-mirror/blob/9349ce77b9f359935b58b6163f830e373ffb63f1/apps/volsync/metadata.yaml')
) AS known (address, home, source)
ORDER BY address
