"""Names of values, as they stand in repositories: which of them say that the value is a secret."""

import pytest

from kubestats_pipeline.redaction.lines import may_hold
from kubestats_pipeline.redaction.names import holds_secrets, is_sensitive, mentions_secret
from kubestats_pipeline.redaction.words import GLUED, SECRET_WORDS

SENSITIVE = """
pw adminPw root_pw bindpw DBPASS password_1 ADMIN_TOKEN_HASH SECRET_KEY_1 recoveryKey unsealKey OPENAI_KEY AGE_KEY
kubeconfig dockerConfigJson SLACK_WEBHOOK pin_code creds DATABASE_URL mnemonic otp credentials.json id_rsa MYSQLPASS
passwordOld password_value passwordBcrypt tokenHash secretValue sessionKey jwt_key serverKey deployKey CF_KEY
user_key routing_key age.agekey healthcheckUrl passwords.txt seed password adminPassword DB-PASSWD PGPASSWORD
pass-word PassWord PASS_WORD password1 passwordHash POSTGRES__PASSWORD token accessToken authtoken API_TOKEN_METRICS
AUTHENTIK_TOKEN_LDAP a.b.password auth.adminPassword secret clientSecret clientsecret SECRET_KEY_BASE secretKeyBase
secretKey hmac_secret secret_id apiKey api_key API-KEY apikey X-Api-Key apiKeys privateKey PRIVATE_KEY
client-key-data tls.key ca.key RADARR__API_KEY auth authorization cookie jwt bearer github_pat dsn SENTRY_DSN salt
psk webhookUrl connectionString redisUrl .dockerconfigjson htpasswd id_ed25519 userOTP recoveryCodes
--admin-password masterauth POSTGRES__DB__URL --API_TOKEN_METRICS
"""

INNOCENT = """
existingSecret existingSecretName secretName tokenRef secretKeyRef secretRef passwordSecretName imagePullSecrets
pullSecrets passwordKey adminPasswordKey existingSecretPasswordKey userPasswordKey tokenFile passwordFile
PASSWORD_FILE credentialsRef secretStoreRef remoteRef authSecretRef envFromSecret secretStore tokenTTL TOKEN_TTL
passwordLength password_min_length enableTokens useAuth max_tokens IMAGE_MAX_TOKENS tokenReviewer tokenExpiry
tokenUrl token_endpoint authUrl auth_type authMode auth.enabled PASSWORD_RESET_TIMEOUT monkey hotkey key keys
compass bypass spinning mapping path pattern patch pinned ping author authors topologyKey publicKey PUBLIC_KEY
cacheKey sortKey valuesKey labelKey onepassword onePassword 1password external-secrets sealed-secrets proxy_pass
cross-seed paper-auth.json seeds.sh githubConfigSecret keepass lowpass
"""


@pytest.mark.parametrize("name", SENSITIVE.split())
def test_a_name_is_sensitive_in_every_spelling(name: str) -> None:
    assert is_sensitive(name)


@pytest.mark.parametrize("name", INNOCENT.split())
def test_a_name_that_only_speaks_of_secrets_is_not_sensitive(name: str) -> None:
    assert not is_sensitive(name)


@pytest.mark.parametrize("name", SENSITIVE.split())
def test_a_text_that_assigns_to_a_sensitive_name_is_looked_at(name: str) -> None:
    assert may_hold(f"{name}: x")
    assert may_hold(f'"{name}" = x')


@pytest.mark.parametrize("word", sorted({each for group in (*SECRET_WORDS, *GLUED) for each in group.words}))
def test_every_word_of_the_table_counts_in_every_spelling(word: str) -> None:
    parts = word.split()
    spellings = ("_".join(parts), "-".join(parts).upper(), parts[0] + "".join(map(str.title, parts[1:])))
    assert [each for each in spellings if not is_sensitive(f"x_{each}") or not may_hold(f"x_{each}: y")] == []


def test_every_group_of_words_has_a_reason_and_a_source() -> None:
    for group in (*SECRET_WORDS, *GLUED):
        assert group.reason.endswith(".")
        assert group.source.startswith("https://")


def test_only_plurals_and_names_of_secrets_hold_secrets_under_other_names() -> None:
    assert all(map(holds_secrets, ("passwords", "credentials", "apiKeys", "tokens", "s3Credentials", "secret")))
    assert not any(map(holds_secrets, ("privateKey", "webhook", "auth", "onepassword", "external-secrets", "values")))


def test_any_word_of_a_variable_counts_for_its_default() -> None:
    assert mentions_secret("DB_PASSWORD_FOR_MAIN")
    assert not mentions_secret("DB_HOST_FOR_MAIN")


def test_a_very_long_name_is_judged_by_its_end() -> None:
    assert is_sensitive("x" * 100_000 + "_password")
    assert not is_sensitive("password_" + "x" * 100_000)


def test_of_a_very_long_name_only_so_many_words_are_looked_at() -> None:
    assert holds_secrets("x" * 100_000 + "_passwords")
    assert not holds_secrets("password" + "_hash" * 100_000)
