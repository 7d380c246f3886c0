"""The tokens that services give out, known by their prefixes: a part of the table of `secrets.py`."""

from kubestats_pipeline.redaction.patterns import Shape

_GITHUB = "https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/"
_GITLAB = "https://docs.gitlab.com/security/tokens/#token-prefixes"
_SLACK = "https://docs.slack.dev/authentication/tokens"
_VAULT = "https://developer.hashicorp.com/vault/docs/concepts/tokens#token-prefixes"
_SCANNING = "https://docs.github.com/code-security/secret-scanning/introduction/supported-secret-scanning-patterns"
_GOOGLE = "https://cloud.google.com/docs/authentication/api-keys"

SERVICE_TOKENS: tuple[Shape, ...] = (
    # Forges and registries
    Shape(
        "a GitHub token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"\b(?:gh[pousr]_\w{16,}|github_pat_\w{16,})",
        "Acts as its owner on GitHub.",
        _GITHUB,
    ),
    Shape(
        "a GitLab token",
        ("glpat-", "gldt-", "glrt-", "glrtr-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "gloas-", "glsoat-"),
        r"\bgl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|oas|soat)-[\w-]{10,}",
        "Acts as its owner on GitLab.",
        _GITLAB,
    ),
    Shape(
        "a Docker Hub token",
        ("dckr_",),
        r"\bdckr_(?:pat|oat)_[\w-]{10,}",
        "Pushes images as its owner.",
        "https://docs.docker.com/security/access-tokens/",
    ),
    Shape(
        "an npm token",
        ("npm_",),
        r"\bnpm_[A-Za-z0-9]{20,}",
        "Publishes packages as its owner.",
        "https://docs.npmjs.com/about-access-tokens",
    ),
    Shape(
        "a PyPI token",
        ("pypi-",),
        r"\bpypi-AgE[\w-]{20,}",
        "Publishes packages as its owner.",
        "https://pypi.org/help/#apitoken",
    ),
    Shape(
        "a RubyGems or Artifactory key",
        ("rubygems_", "AKCp"),
        r"\b(?:rubygems_[0-9a-f]{32,}|AKCp\d[A-Za-z0-9]{40,})",
        "Publishes packages as its owner.",
        _SCANNING,
    ),
    # Clouds
    Shape(
        "an AWS key",
        ("AKIA", "ASIA"),
        r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
        "One half of a login to Amazon's cloud. The other half is often beside it.",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids",
    ),
    Shape(
        "a signature in a URL",
        ("ig=", "ignature="),
        r"(?i)(?:[?&;]|\b)(?:sig|x-(?:amz|goog)-signature|signature)=([\w%+/=.~-]{16,})",
        "Opens one object of Azure, Amazon or Google storage for everybody.",
        "https://learn.microsoft.com/azure/storage/common/storage-sas-overview",
    ),
    Shape(
        "an Azure account key",
        ("AccountKey=", "SharedAccessKey="),
        r"(?:Account|SharedAccess)Key=([A-Za-z0-9+/=]{16,})",
        "Opens a whole storage account or queue.",
        "https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string",
    ),
    Shape("a Google API key", ("AIza",), r"\bAIza[\w-]{20,}", "Runs up its owner's bill.", _GOOGLE),
    Shape(
        "a Google login",
        ("GOCSPX-", "ya29."),
        r"\b(?:GOCSPX-[\w-]{16,}|ya29\.[\w.-]{20,})",
        "Acts as an application or a person at Google.",
        "https://developers.google.com/identity/protocols/oauth2",
    ),
    Shape(
        "a DigitalOcean token",
        ("dop_v1_", "doo_v1_", "dor_v1_"),
        r"\bdo[opr]_v1_[0-9a-zA-Z]{20,}",
        "Acts as its owner in DigitalOcean's cloud.",
        "https://docs.digitalocean.com/reference/api/create-personal-access-token/",
    ),
    Shape(
        "a Cloudflare tunnel token",
        ("eyJhIjoi",),
        r"\beyJhIjoi[\w+/=-]{20,}",
        "Runs the tunnel: its holder gets the traffic.",
        "https://developers.cloudflare.com/tunnel/advanced/tunnel-tokens/",
    ),
    Shape(
        "a Cloudflare origin key",
        ("v1.0-",),
        r"\bv1\.0-[0-9a-f]{24}-[0-9a-f]{40,}",
        "Issues certificates for its owner's domains.",
        "https://developers.cloudflare.com/fundamentals/api/get-started/ca-keys/",
    ),
    Shape(
        "a Tailscale key",
        ("tskey-",),
        r"\btskey-[A-Za-z0-9-]{12,}",
        "Joins its owner's private network.",
        "https://tailscale.com/kb/1252/key-secret-management",
    ),
    Shape(
        "a Databricks, Netlify, Fly or Heroku token",
        ("dapi", "nfp_", "fm1", "fm2", "HRKU-"),
        r"\b(?:dapi[0-9a-f]{32}|nfp_[A-Za-z0-9]{30,}|fm[12]\w?_[A-Za-z0-9+/=]{40,}|HRKU-[\w-]{30,})",
        "Acts as its owner in their clouds.",
        _SCANNING,
    ),
    # Stores of secrets, and infrastructure as code
    Shape(
        "a Vault token",
        ("hvs.", "hvb.", "hvr."),
        r"\bhv[sbr]\.[\w-]{16,}",
        "Reads the secrets of Vault that its policy names.",
        _VAULT,
    ),
    Shape(
        "a Terraform Cloud token",
        (".atlasv1.",),
        r"[A-Za-z0-9]{8,}\.atlasv1\.[\w-]{20,}",
        "Changes infrastructure as its owner.",
        "https://developer.hashicorp.com/terraform/cloud-docs/users-teams-organizations/api-tokens",
    ),
    Shape(
        "a Doppler token",
        ("dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit.", "dp.said."),
        r"\bdp\.(?:pt|st|ct|sa|scim|audit|said)\.[\w.-]{16,}",
        "Reads the secrets that its owner keeps there.",
        "https://docs.doppler.com/docs/service-tokens",
    ),
    Shape(
        "a Pulumi token",
        ("pul-",),
        r"\bpul-[0-9a-f]{20,}",
        "Changes infrastructure as its owner.",
        "https://www.pulumi.com/docs/administration/access-identity/access-tokens/",
    ),
    Shape(
        "a 1Password service token",
        ("ops_eyJ",),
        r"\bops_eyJ[\w+/=-]{20,}",
        "Reads the vaults that it was made for.",
        "https://developer.1password.com/docs/service-accounts/",
    ),
    # Chat, mail and notifications
    Shape(
        "a Slack token", ("xox", "xapp-"), r"\b(?:xox[abceoprs]|xapp)-[\w-]{10,}", "Reads and writes in Slack.", _SLACK
    ),
    Shape(
        "a webhook of Slack",
        ("hooks.slack.com",),
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([\w/-]{8,})",
        "Posts into a channel in its owner's name.",
        "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
    ),
    Shape(
        "a webhook of Discord",
        ("/webhooks/",),
        r"(?i)discord(?:app)?\.com/api(?:/v\d+)?/webhooks/([\w/-]{8,})",
        "Posts into a channel in its owner's name.",
        "https://docs.discord.com/developers/resources/webhook",
    ),
    Shape(
        "a webhook of Teams or Google Chat",
        (".webhook.office.com", "chat.googleapis.com"),
        r"(?:\.webhook\.office\.com/webhookb2/|chat\.googleapis\.com/v1/spaces/)([\w@/?&=%.-]{8,})",
        "Posts into a channel in its owner's name.",
        "https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook",
    ),
    Shape(
        "the address of a check at healthchecks.io",
        ("hc-ping.com/",),
        r"\bhc-ping\.com/([\w-]{16,})",
        "Tells its owner that a job went well, or failed.",
        "https://healthchecks.io/docs/http_api/",
    ),
    Shape(
        "a Telegram bot token",
        (":AA", "/bot"),
        r"\b(?:bot)?\d{6,12}:AA[\w-]{28,}",
        "Reads and writes as the bot.",
        "https://core.telegram.org/bots/api#authorizing-your-bot",
    ),
    Shape(
        "a Discord bot token",
        ("MT", "MD", "Mz", "Mj", "ND", "NT", "Nj", "Nz", "OD", "OT"),
        r"\b[MNO][DTjz][A-Za-z0-9_-]{22,26}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}\b",
        "Reads and writes as the bot.",
        "https://docs.discord.com/developers/reference#authentication",
    ),
    Shape(
        "a SendGrid key",
        ("SG.",),
        r"\bSG\.[\w-]{10,}(?:\.[\w-]{10,})?",
        "Sends mail in its owner's name.",
        "https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys",
    ),
    Shape(
        "a Mailgun, Mailchimp or Brevo key",
        ("key-", "-us1", "-us2", "-us3", "-us4", "-us5", "-us6", "-us7", "-us8", "-us9", "xkeysib-"),
        r"\b(?:key-[0-9a-f]{32}|[0-9a-f]{32}-us\d{1,2}|xkeysib-[0-9a-f]{32,}[\w-]*)\b",
        "Sends mail or messages in its owner's name.",
        _SCANNING,
    ),
    Shape(
        "an ntfy token",
        ("tk_",),
        r"\btk_[a-z0-9]{29}\b",
        "Reads and writes its owner's notifications.",
        "https://docs.ntfy.sh/config/#access-tokens",
    ),
    # Payment, AI and observation
    Shape(
        "a Stripe key",
        ("k_live_", "k_test_", "whsec_"),
        r"\b(?:[sr]k_(?:live|test)_[A-Za-z0-9]{8,}|whsec_[A-Za-z0-9+/=]{16,})",
        "Moves money.",
        "https://docs.stripe.com/keys",
    ),
    Shape(
        "a key of OpenAI, Anthropic or OpenRouter",
        ("sk-",),
        r"\bsk-(?:(?:proj|svcacct|admin|ant|or|lf)-[\w-]{10,}|[A-Za-z0-9]{32,})",
        "Runs up its owner's bill.",
        "https://platform.openai.com/docs/api-reference/authentication",
    ),
    Shape(
        "a key of another AI service",
        ("hf_", "gsk_", "r8_", "pplx-", "xai-", "lsv2_"),
        r"\b(?:hf_[A-Za-z0-9]{20,}|gsk_[A-Za-z0-9]{30,}|r8_[A-Za-z0-9]{30,}|pplx-[A-Za-z0-9]{30,}|xai-[A-Za-z0-9]{40,}"
        r"|lsv2_(?:pt|sk)_\w{30,})",
        "Runs up its owner's bill, at Hugging Face as its owner.",
        "https://huggingface.co/docs/hub/security-tokens",
    ),
    Shape(
        "a Grafana token",
        ("glsa_", "glc_", "eyJrIjoi"),
        r"\b(?:glsa_\w{16,}|glc_[\w+/=]{20,}|eyJrIjoi[\w+/=-]{20,})",
        "Reads and changes dashboards and their data.",
        "https://grafana.com/docs/grafana/latest/administration/service-accounts/",
    ),
    Shape(
        "a New Relic key",
        ("NRAK-", "NRJS-", "NRII-", "FFFFNRAL"),
        r"\b(?:NRAK-[A-Z0-9]{16,}|NRJS-[0-9a-f]{16,}|NRII-[\w-]{20,}|[0-9a-f]{30,36}FFFFNRAL)",
        "Reads its owner's measurements.",
        "https://docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys/",
    ),
    Shape(
        "a token of Atlassian, Postman, Linear, Notion, Figma, Shopify or Square",
        (
            "ATATT",
            "ATCTT",
            "ATBB",
            "PMAK-",
            "lin_api_",
            "lin_oauth_",
            "ntn_",
            "figd_",
            "shpat_",
            "shpca_",
            "shppa_",
            "shpss_",
            "sq0",
        ),
        r"\b(?:AT(?:ATT|CTT|BB)[\w=-]{20,}|PMAK-[0-9a-f-]{40,}|lin_(?:api|oauth)_[A-Za-z0-9]{30,}|ntn_[A-Za-z0-9]{40,}"
        r"|figd_[\w-]{30,}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|sq0(?:atp|csp|idp)-[\w-]{20,})",
        "Acts as its owner there.",
        _SCANNING,
    ),
    Shape(
        "a Plex claim",
        ("claim-",),
        r"(?:^|[^A-Za-z0-9_-])(claim-\w{15,})",
        "Takes over a media server for four minutes.",
        "https://www.plex.tv/claim/",
    ),
)
"""By what they open: forges, clouds, stores of secrets, chat and mail, payment, AI and observation."""
