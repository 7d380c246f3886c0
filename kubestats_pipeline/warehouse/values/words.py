"""Words that say nothing about the person who writes them, and names that everybody may reach.

The tables are data for `looks.py`. A word belongs here if programs, charts or Kubernetes define it. Names of people,
pets, places, rooms and machines never do, however many write them. The list changes what is published,
and nothing that is stored.
"""


def _set_of(*texts: str) -> frozenset[str]:
    return frozenset(" ".join(texts).split())


_KUBERNETES = """
access account accounts action active admin admins admission affinity agent alert alerts allow allowed always
annotation annotations any api apis apiserver apiversion app application applications applied apply apps archive args
artifact attach auth authorization auto automation autoscale autoscaler available backend backends backup backups
balancer base basic best between bin bind binding bindings block body boot bootstrap bound bpf bridge broadcast
browser bucket buckets build builds builtin burst bytes ca cache call callback capabilities ceph cert certificate
certificates certs change chart charts check checks chmod chown ci cipher claim class clean cleaner cleanup cli client
clients cloud cluster clusters cm code collector color command comments common compact complete component conditions
conf config configmap configmaps configs configuration configurations connect connection connectivity console
constraints consumer container containerd containers content context control controller controllers cookie core count
cpu crd crds create created creation credentials critical cron crt csi csr current custom daemon daemons daemonset
daily dashboard dashboards data database databases datasource date days debug dec default defaults defs delete deny
deploy deployer deployment deployments dev developer device devices dir direct directory disable disabled discovery
disk dist dns do docker docs document documents domain domains down download downloads driver drop dynamic edge edit
editor effect egress elastic element elements email emergency enable enabled encrypt encryption endpoint endpoints
engine entry entrypoint env environment error errors event events every exclude exclusive exec execute execution exist
exists exit exporter expose ext extension extensions external extra extras factor failed failover fallback false fast
feature features federation fetch few field fields file files filesystem filter filters flat flatten fluent flush
folder follow for force format forms forward forwarded freeze from frontend fs full function gateway gateways generate
generation generator generic get git global go gpu grants graph group groups guard handler hard hash head header
headers health healthcheck healthy healthz heartbeat hidden high history home hook hooks horizontal host hosted
hostname hostpath hosts hourly html identifier identity idle if ignore ignored image images immediate import in
include index infinity info infra infrastructure ingress ingresses inhibit init initdb initial initialized inject
input insecure install instance instances integration interface internal internet interval ip ips is issuer items job
jobs journal json jwks jwt keep kernel key keys kind kubelet kubernetes label labels language last latest layer lb
leader lease legacy level lib libraries library license lighttpd limit limited limits link links list listen listener
listeners live liveness load loadbalancer local localhost location lock log logfmt logger logging login logout logs
lookup loop low machine mail mailer main managed manager manifest manifests manual map mapping master match matcher
matchers mb mds medium member memory merge message messages meta metadata method metric metrics mgr migrate migration
min minute minutes mirror missing mode model models modified module modules mon monitor monitoring month monthly mount
mounts move msg multi mutation name namespace namespaces native net network networking networks never new no node
nodes none normal not notification notifications notifier notify null number oauth object objects observability off
offline oidc ok old on online only open openid operate operated operator operators option optional options or
orchestrator order org organization original osd out output overlay override overrides owner package packages page
pages param parameter parameters parent parse pass password patch patches path payload peer peers pem performance
persist persistence persistent persistentvolumeclaim persistentvolumeclaims ping pipeline plain platform plugin
plugins pod pods policies policy poll pool port portal ports post postgres power prefer preferred prefix present
preserve preview primary private privileged privkey probe probes proc process processor prod production profile
profiles progressing project projects prom protect protocol provider providers provision provisioner proxied proxy pub
public pull push pv pvc query queue quorum quota random range rate raw read reader readiness readonly ready readyz
realm rebuild receive receiver receivers reconcile record recovery recreate recursive redirect ref refresh region
register registration registries registry regular reject relabel relay release releases reload reloader remote remove
render replace replica replicas replication repo report repos repositories repository request requests require
required reset resolution resolver resource resources restart restore result results retain retention retries retry
return reverse review revision rm role roles rollback rolling rollout root rotate round route router routers routes
rule rules run runner runners runtime rw safe same sample samples sbin scale scan schedule scheduled scheduler
scheduling scope script scripts search secret secrets section security select selector self send serve server servers
service serviceaccount serviceaccounts services serving session sessions set setgid settings setuid setup severity
shard share shared shell shm short shutdown sidecar sidecars signal silent single site size skip slow small snapshot
snapshots social sock socket sockets soft source sources spec split spread src stable stack staging standalone
standard start started startup state stateful statefulset statefulsets static stats status stderr stdin stdout step
sticky stop storage store stream streaming strict string style sub subject subnet subpath subscription success suffix
superuser suspend sync sys system systemd table tables tag tags taints target targets task tasks tcp template
templates temporary terminate terminated test testing text the thread threads time timeout timer times timestamp title
tls tmp tmpfs to token tokens toml tool tools top topology total trace tracing traffic transcode transfer transport
trash trigger true trust trusted tunnel txt type types udp ui uid undefined unhealthy unix unknown unless unsafe until
up update updater updates upgrade upload uploads upstream uri url urls usage use user username users uses usr util
utils uuid valid validate validation value values var vector vendor verbose verify version versions video view viewer
virtual volume volumes wait waiting warn warning watch watchdog watcher web webhook webhooks website websocket
websockets weekly well widget widgets with without work worker workers workspace world write writer www yaml year yes
yml zone zones
"""

_SYSTEMS = """
abs accept aes alpha amd amd64 append appendonly arm arm64 asc attr audit autosave aws azure background bare bash
bearer beta binary bit boolean bypass cat cd cdrom cfg cgroup chroot cidr cipher cmd cmdline color columns copy cores
cp cpp crontab css csv ctr ctx curl daemon dark db dbname dbus dc debian dedicated deploy desc desktop dhcp diff
digest distributed dotnet dump echo efi encoding eof epoll etc etcd eth exitcode fd fi find float fmt frame ftp fuse
fw gb gcp gi gid gif gitconfig gnu golang gpg grep grpc gunicorn gz gzip hdd hex hmac htdocs htm http httpd httproute
https huge hup icmp ico id ids iface ini inode insert int integer iops ipc ipv irq iscsi iso jar java javascript jpeg
jpg js jsonc jvm kb kill ldap ldaps len length less linux lite lo locale localtime loopback lz4 mac md mdns mem metal
mi mib mime mkdir mnt mp mpeg msgpack mtls mtu mutex mv nbd ndots netlink nfs nfsvers nginx nic noatime nobody noexec
noop nosuid ns ntp nvme nvme0n1 oci oom openapi openssl opt os overlayfs passwd pcap pci pdf percent perl pg php pid
pids pip pkg png pods poller posix ppc proto protobuf ps pull pwd py python qos quic ram rbac rbd rdma realtime regex
regexp rest rfc rgw rootless rpc rs rsa rss rsync rtc rtsp run runc rust s3 sa sasl scram scsi sdk sed sh sha sha256
sleep smb smtp snappy sni snmp soa socks sort spa sql sqlite ssd ssh sshd ssl sso stat stun su sudo svc svg sysctl
syslog tar tc tee tini touch tsv tty tun tunnel tz udev ulimit umask uname unshare utc utf uts uvicorn venv vhost vlan
vlans vm vxlan webp whoami wipe wireguard wlan ws wss x86 xattr xfs xml xz zfs zip zlib zstd
"""

_CHOICES = """
aggressive alpine async auditor balanced bidirectional blob bottom canary cascade center cover deadline deterministic
dual eager easy elevated eng english exact exponential fail fair finalize fixed frozen halt hybrid immutable
incremental inherit initially inline instant intersect kubeadmin large lazy leastconn left linear lower maximum medium
middle minimal minimum mixed moderate most mutable nearest next obsolete once opaque optimistic optimized paused
pessimistic precise predefined previous prune readwrite recommended remaining requested restricted retained right
sequential skipped strong symmetric tiny top transparent uniform unlimited unmanaged unset untrusted upper weak weight
weighted wildcard
"""

_CONTENT = """
album albums analytics anime article articles asset assets audio audiobook audiobooks blog book bookmark bookmarks
books calendar camera cameras category chat comics contacts embed embedding episode episodes favicon favorites feed
feeds film films font fonts forum game games icon icons inbox incomplete invite invoice meal meals media mods movie
movies music news note notes photo photos pictures playlist playlists podcast podcasts poster quality recipe recipes
rom roms saved saves season series show shows skills song songs sound stream subtitle subtitles tasks theme themes
thumb thumbnail thumbnails thumbs torrent torrents track trailer transcodes tv tvshows usenet video videos wiki world
worlds
"""

_PRODUCTS = """
actions adguard airflow alertmanager alloy amazon apache apprise argo argocd atuin audiobookshelf authelia authentik
autobrr bazarr blackbox blocky caddy calico cassandra certbot cilium clickhouse cloudflare cloudflared cnpg codeserver
collabora consul containerd coredns cri crowdsec crunchy descheduler dex discord dnsmasq dockerhub dragonfly drone
elasticsearch emqx envoy envoyproxy esphome excalidraw externaldns falco flannel flaresolverr flux fluxcd forgejo
frigate fstrim gatus geyser ghcr gitea github githubusercontent gitlab goldilocks google gotify gotk grafana gvisor
haproxy hassio headscale helm helmcharts helmreleases helmrepositories homeassistant homepage hubble
huggingface immich influxdb intel istio jaeger jellyfin jellyseerr jenkins k0s k3s k8s kafka kata keycloak kibana kong
kopia kube kubeconfig kubevip kubevirt kured kustomization kustomizations kustomize kyverno letsencrypt lidarr linkerd
litellm litmus llama llm longhorn lychee maloja mariadb mastodon matrix matter mattermost mealie memcached memos
metallb microservices minecraft miniflux minio mongo mongodb mosquitto mqtt multus mysql n8n nats navidrome neo4j
netbird netbox netdata newt nextcloud nfd nixery nodejs npm ntfy nvidia nzbget octoprint ollama omada onepassword
oneuptime openai openapi openebs opensearch openssh opentelemetry openvpn otel outpost overseerr paperless pgadmin
pgbouncer pgdata pgsql pguser pgvector photoprism pihole plausible plex podinfo podman podmonitor postgresql powerdns
prometheus prometheusrule promtail prowlarr pushover pyroscope qbittorrent rabbitmq radarr radicale readarr recyclarr
redis renovate restic rke rook sabnzbd scrutiny sealed searxng sentry slack smartctl smokeping snmp sonarr sops
speedtest spegel squid steam syncthing synology tailscale talos tautulli tdarr telegraf telegram thanos traefik
transmission truenas ubuntu umami unifi unpackerr uptime valkey vault vaultwarden vectorchord velero victoriametrics
vikunja vllm vlogs vmagent vmalert vmsingle volsync vscode wakapi wallabag watchtower wazuh whisper wordpress zigbee
zigbee2mqtt zitadel zookeeper zot zwave
"""

WORDS = _set_of(_KUBERNETES, _SYSTEMS, _CHOICES, _CONTENT, _PRODUCTS)
"""Known words in lower case, each a whole word of a value. Two-letter words and plurals stand for themselves."""

PUBLIC_HOSTS = (
    "artifacthub.io",
    "bitnami.com",
    "charts.jetstack.io",
    "cncf.io",
    "coreos.com",
    "docker.com",
    "docker.io",
    "envoyproxy.io",
    "fluxcd.io",
    "gcr.io",
    "gethomepage.dev",
    "ghcr.io",
    "github.com",
    "github.io",
    "githubusercontent.com",
    "gitlab.com",
    "goauthentik.io",
    "googleapis.com",
    "grafana.com",
    "grafana.net",
    "hashicorp.com",
    "helm.sh",
    "huggingface.co",
    "jetstack.io",
    "jsdelivr.net",
    "k8s.io",
    "kubernetes.io",
    "letsencrypt.org",
    "lscr.io",
    "mcr.microsoft.com",
    "mozilla.org",
    "nvcr.io",
    "nvidia.com",
    "opencontainers.org",
    "pool.ntp.org",
    "prometheus.io",
    "public.ecr.aws",
    "pypi.org",
    "quay.io",
    "registry.npmjs.org",
    "rook.io",
    "stakater.com",
    "traefik.io",
    "w3.org",
    "x-k8s.io",
)
"""Hosts, and the domains above them, that belong to no user: registries, hosts of charts and code, groups of APIs."""

PUBLIC_NETWORKS = _set_of(
    "0.0.0.0 0.0.0.0/0 127.0.0.1 127.0.0.1/32 127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 "
    "169.254.0.0/16 169.254.169.254 169.254.20.10 224.0.0.0/4 240.0.0.0/4 255.255.255.255 10.42.0.0/16 10.43.0.0/16 "
    "10.244.0.0/16 10.96.0.0/12 10.96.0.10 10.43.0.10 1.1.1.1 1.0.0.1 8.8.8.8 8.8.4.4 9.9.9.9 149.112.112.112 "
    ":: ::1 ::/0 ::1/128 fe80::/10 fc00::/7 fd00::/8 ff00::/8"
)
"""Addresses that mean the same to all: of RFC 1122, 1918, 4193, 6598 and 6890, defaults of Kubernetes, resolvers."""

PERSONAL_KEYS = _set_of(
    "account address age bday birth birthday center city coordinates coords country dob elevation email floor gps home",
    "house household iban lat latitude lng location lon longitude mac meter nick owner panel phone pin place plate",
    "position postal salary serial sms sn ssid street telegram vin whatsapp year zip zipcode",
)
"""Words of a setting's name below which a number is about a person, a place or a thing that somebody owns."""

SAFE_KEYS = _set_of(
    "tag digest pullPolicy imagePullPolicy restartPolicy dnsPolicy accessMode accessModes concurrencyPolicy",
    "externalTrafficPolicy fsGroupChangePolicy protocol pathType type strategy logLevel",
    "replicas replicaCount minReplicas maxReplicas cpu memory size interval timeout initialDelaySeconds periodSeconds",
    "timeoutSeconds failureThreshold runAsUser runAsGroup fsGroup",
)
"""Last keys below which strict mode shows a value: versions, words of Kubernetes, amounts, durations, small numbers."""

TAG_KEYS = _set_of("tag digest newtag targetrevision version appversion")
IMAGE_KEYS = _set_of("image repository registry chart imageregistry newname")
PRIVATE_STORES = _set_of("restic backup bucket s3 rclone borg kopia git")
"""Keys of parts of images and charts, and words of a path below which a repository is somebody's store instead."""

API_KEYS = _set_of("apiversion apigroup apigroups")
ENUM_KEYS = _set_of(
    "accessmode accessmodes concurrencypolicy dnspolicy effect externaltrafficpolicy fsgroupchangepolicy hostpathtype",
    "imagepullpolicy internaltrafficpolicy ipfamilies ipfamilypolicy kind level loglevel mountpropagation operator",
    "pathtype policytypes protocol pullpolicy restartpolicy scheme sourcelabels strategy targetlabel topologykey type",
    "updatestrategy verbs volumebindingmode whenunsatisfiable",
)
"""Keys whose values are one of a list that Kubernetes or a chart gives, in lower case."""

FILES = _set_of(
    "yaml yml json jsonc toml ini conf cfg config env sh bash py js ts php html htm css xml txt md log db sqlite sql",
    "sock socket pem crt key cert csr png jpg jpeg svg ico webp gif pdf zip tar gz xz jar so pid lock list rules tpl",
    "tmpl lua bin exe dat csv cgi service rdb bak properties template repo gguf onnx mp4 mkv",
)
"""Ends of names of files, which look like the end of a host."""

DOMAINS = _set_of(
    "com net org edu gov int arpa lan local localdomain home internal intranet corp private test example invalid app",
    "dev cloud network host page blog zone site tools systems media video social info link live games wiki chat email",
    "domains services store team world run name space tech online website digital group",
)
"""Ends of hosts that are words as well."""
