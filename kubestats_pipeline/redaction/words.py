"""The table of words that make a name sensitive, each group with its reason and source. `names.py` applies it.

A name is cut into words where case, digits and marks change: `adminPw`, `ADMIN_PW` and `admin-pw` are `admin pw`. Its
last word decides, after words that only say how a secret is written (`passwordHash`, `TOKEN_OLD`, `secret1`).
"""

from typing import NamedTuple


class Words(NamedTuple):
    """Words with one meaning.

    Attributes:
        listed: in small letters and in the singular, with commas between. A phrase has blanks.
        reason: why they are in the table.
        source: where they are used so.
    """

    listed: str
    reason: str
    source: str

    @property
    def words(self) -> frozenset[str]:
        """Each word and phrase."""
        return frozenset(self.listed.split(", "))


_OWASP = "https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html"
_SECRET = "https://kubernetes.io/docs/concepts/configuration/secret/#secret-types"  # noqa: S105 - a page
_BITNAMI = "https://github.com/bitnami/charts"
_NGINX = "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"

SECRET_WORDS: tuple[Words, ...] = (
    Words(
        "password, passwd, passphrase, passcode, pass, pass word, pwd, pw",
        "A password, in full or short.",
        _OWASP,
    ),
    Words("secret, credential, cred", "Called so by its author.", _OWASP),
    Words("token, jwt, bearer, pat", "Whoever bears it is let in.", "https://www.rfc-editor.org/rfc/rfc6750"),
    Words("psk", "A pre-shared key of a network.", "https://www.rfc-editor.org/rfc/rfc4279"),
    Words("auth, authorization", "A header, or user and password.", "https://www.rfc-editor.org/rfc/rfc9110"),
    Words(
        "masterauth",
        "The password of a replica.",
        "https://redis.io/docs/latest/operate/oss_and_stack/management/replication/",
    ),
    Words("cookie", "A session, or what signs sessions.", "https://www.rfc-editor.org/rfc/rfc6265"),
    Words("salt, pepper", "Makes the hashes of passwords hard to guess.", _OWASP),
    Words(
        "seed, mnemonic, otp, totp",
        "One-time codes and wallets grow from it.",
        "https://www.rfc-editor.org/rfc/rfc6238",
    ),
    Words("pin, pin code, recovery code, backup code", "A short password.", _OWASP),
    Words(
        "htpasswd, basic auth, dockerconfigjson, docker config json, docker config, dockercfg",
        "Types of Secrets.",
        _SECRET,
    ),
    Words(
        "kubeconfig, kube config",
        "The key to a whole cluster.",
        "https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/",
    ),
    Words(
        "id rsa, id dsa, id ecdsa, id ed 25519, agekey",
        "Files of private keys.",
        "https://man.openbsd.org/ssh-keygen",
    ),
    Words(
        "webhook, webhook url, webhook uri",
        "Whoever knows the address may post to it.",
        "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
    ),
    Words(
        "dsn, connection string, database url, database uri, db url, db uri, redis url, mongo url, mongodb url, "
        "mongodb uri, postgres url, postgresql url, mysql url, amqp url, broker url, jdbc url",
        "An address that usually has a password in it.",
        "https://12factor.net/config",
    ),
    Words(
        "healthcheck url, health check url, ping url, push url, heartbeat url",
        "An address that holds the identity of a check.",
        "https://healthchecks.io/docs/http_api/",
    ),
    Words(
        "secret id, plex claim",
        "The second half of a login.",
        "https://developer.hashicorp.com/vault/docs/auth/approle",
    ),
)
"""Last words or phrases of names whose values are secrets."""

GLUED: tuple[Words, ...] = (
    Words(
        "password, passwd, passphrase, passcode, pass, pwd, pw",
        "`PGPASSWORD`, `DBPASS`, `bindpw`.",
        "https://www.postgresql.org/docs/current/libpq-envars.html",
    ),
    Words("secret, token, credential, cookie, htpasswd", "`authtoken`, `clientsecret`.", _OWASP),
    Words(
        "apikey, authkey, secretkey, privatekey, privkey, accesskey, masterkey, agekey, sshkey, licensekey, "
        "encryptionkey, webhookurl",
        "Names of keys without a mark.",
        _OWASP,
    ),
)
"""Endings that make a word sensitive even where nothing cuts it."""

NOT_GLUED = Words(
    "bypass, compass, encompass, trespass, surpass, overpass, underpass, multipass, lowpass, highpass, bandpass, "
    "keepass",
    "Words of the language that end so.",
    "https://www.merriam-webster.com/",
)

KEY_OF: tuple[Words, ...] = (
    Words(
        "api, access, account, auth, authentication, authorization, private, secret, shared, preshared, master, root, "
        "admin, client, server, service, session, user, consumer, app, application, bot, device",
        "Says what its holder may do.",
        _OWASP,
    ),
    Words(
        "encryption, encrypt, decryption, crypto, cipher, aes, hmac, sign, signing, jwt, cookie, rsa, ssh, tls, ssl, "
        "gpg, pgp, age, sops, kms, vapid, wireguard, wg, vpn, host, recovery, unseal, seal",
        "Says what it encrypts, signs or opens.",
        _OWASP,
    ),
    Words(
        "license, licence, activation, registration, product, enrollment, deploy, deployment, routing, integration, "
        "write, read, ingest, ingestion, stream, storage, webhook, project",
        "Says what a service takes it for.",
        "https://developer.pagerduty.com/docs/events-api-v2-overview",
    ),
    Words(
        "openai, anthropic, cf, cloudflare, aws, azure, gcp, google, github, tailscale, pushover, telegram, datadog, "
        "tmdb, plex, steam",
        "Says whose it is.",
        "https://docs.github.com/code-security/secret-scanning/introduction/supported-secret-scanning-patterns",
    ),
)
"""Words before `key` that make it a secret. In a variable, `CAPITALS_KEY`, all words do but the next ones."""

INNOCENT_KEY_OF = Words(
    "public, cache, sort, partition, primary, foreign, topology, label, group, map, object, hot, row, index, lookup, "
    "match, value, file, config, property, name, translation, hash, idempotency, registry, password, token, "
    "passphrase, credential, secretname, integrity",
    "Words before `KEY` after which it is not a secret. `passwordKey` is the place of a password in a Secret.",
    _BITNAMI,
)

WRITTEN_AS = Words(
    "hash, hashed, old, new, value, bcrypt, argon, md, sha, base, b, encoded, encrypted, plain, plaintext, raw, data, "
    "string, text, txt, json, yaml, yml, ini, toml, xml, properties, pem, default, current, previous, prev, literal, "
    "content, php",
    "Last words that only say how a secret is written, or which one of several. Digits do as well.",
    _OWASP,
)

STRONG = Words(
    "password, passwd, passphrase, token",
    "Make a variable such as `API_TOKEN_METRICS` a secret although they are not last.",
    _OWASP,
)

DESCRIBES = Words(
    "file, path, dir, name, url, uri, endpoint, method, type, mode, enabled, disabled, enable, required, expiry, "
    "expire, expiration, ttl, length, size, source, bucket, id, issuer, header, algorithm, alg, policy, reset, "
    "timeout, lifetime, duration, audience, scope, ref, count, limit, field, param, parameter, prefix, suffix, age, "
    "max, min, interval, refresh, store, key, provider, location, env, version, auth, login, user, username, grant, "
    "encryption, validation, verification, claim",
    "But for these: after a strong word they only describe a secret.",
    _BITNAMI,
)

REFERENCES = Words(
    "existing secret, pull secret, existing credential, external secret, from secret, authorized secret, "
    "github config secret",
    "Phrases of names whose values name a Secret that stands elsewhere.",
    _BITNAMI,
)

SWITCHES = Words(
    "enable, enabled, disable, disabled, use, has, is, allow, require, no, skip, max, min, num, number, total, count, "
    "show, generate, auto, automount, without, with, ignore",
    "First words of names whose values are switches and counts: `enableTokens`, `max_tokens`.",
    _BITNAMI,
)

COUNTED = Words(
    "max, min, num, number, total, threshold, budget, completion, output, input, prompt",
    "Words before `tokens` and the like where these are counted: `IMAGE_MAX_TOKENS`.",
    "https://platform.openai.com/docs/api-reference/chat/create",
)

FILES = Words("json, yaml, yml, txt, ini, toml, xml, properties, php", "Ends of names of files.", _SECRET)

KEPT_IN_FILES = Words(
    "password, passwd, passphrase, credential, cred, secret, token, htpasswd, dockerconfigjson, docker config, "
    "docker config json, kubeconfig, key",
    "Names of files that are withheld as a whole: `credentials.json`. Others are looked into.",
    _SECRET,
)

PRODUCTS: tuple[Words, ...] = (
    Words(
        "onepassword, 1 password, one password, external secret, sealed secret, csi secret, bank vault secret, "
        "cross seed, ext auth",
        "Programs whose names end like a secret.",
        "https://landscape.cncf.io/",
    ),
    Words("proxy pass, fastcgi pass, uwsgi pass, grpc pass, scgi pass, memcached pass", "Directives of nginx.", _NGINX),
)

COLLECTIONS = Words(
    "password, passwd, passphrase, token, credential, cred, secret, api key",
    "Last words of names below which a mapping holds secrets under names of its own: `passwords: {ann: …}`.",
    _BITNAMI,
)

NAMING = Words(
    "name, namespace, kind, key, ref, file, path, mode, type, provider, store, engine, issuer, algorithm, label, "
    "annotation, source, medium, claim, audience, identifier",
    "Last words of names that say where or of what sort a secret is. Below `credentials` their values stay.",
    _SECRET,
)

STRUCTURE = Words(
    "image, repository, registry, tag, digest, version, chart, policy, port, protocol, replica, count, cpu, memory, "
    "storage, interval, second, period, threshold, schedule, enabled, size, limit, request, timeout, class",
    "Last words of names that say what runs, and how. Their values stay as well, so that no image is lost.",
    "https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/",
)

WORKLOAD_KEYS = Words(
    "image, images, containers, initContainers, controllers, replicas, replicaCount, resources, probes, livenessProbe, "
    "readinessProbe, startupProbe, command, args, securityContext, volumeMounts, nodeSelector, tolerations, affinity, "
    "chart, sourceRef, apiVersion, serviceMonitor, openAPIV3Schema",
    "One of these keys makes a mapping a program, or a part of one, whatever it is called: `fix-sa-token: {image: …}`.",
    "https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/",
)

SCHEMA_TYPES = Words(
    "string, object, array, integer, boolean, number",
    "Values of `type` in a schema, which describes fields that are called `password`.",
    "https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/",
)

PROSE = Words(
    "manager, generator, reset, store, hash, policy, vault, keeper, server, service, rotation, rotated, expired, "
    "required, protected, file, management, authentication, auth, sync, refresh, handling, validation, operator, "
    "provider, app, support, header",
    "Second words of `password manager` and the like, which are prose.",
    "https://en.wikipedia.org/wiki/Password_manager",
)
