"""The looks of a value of a setting: shown, hidden, or free until somebody knows its words."""

import pytest

from kubestats_pipeline.warehouse.values.looks import Verdict, look_at
from kubestats_pipeline.warehouse.values.words import WORDS
from kubestats_pipeline_tests.warehouse.personal_values import PERSONAL

SHOWN = [
    ("replicas", "3"),
    ("service.main.ports.http.port", "8123"),
    ("persistence.data.sizeLimit", "10737418000"),
    ("ingress.enabled", "true"),
    ("env[name=FEATURE_FLAG].value", "yes"),
    ("resources.limits.memory", "512Mi"),
    ("resources.requests.cpu", "10m"),
    ("interval", "1h30m"),
    ("schedule", "0 3 * * 1"),
    ("version", "v1.18.6-rc.1"),
    ("image.repository", "ghcr.io/owner/name"),
    ("image.repository", "registry.lindqvist.example/team/app"),
    ("image.tag", "2.3.7.5365@sha256:" + "0" * 64),
    ("extraDeploy[0].apiVersion", "monitoring.example.io/v1alpha1"),
    ("service.main.type", "LoadBalancer"),
    ("persistence.config.globalMounts[0].path", "/config/logs"),
    ("probes.liveness.spec.httpGet.path", "/api/health"),
    ("env.LOG_LEVEL", "verbose"),
    ("env.REPO", "https://github.com/owner/name.git"),
    ("env.REDIS_HOST", "redis.database.svc.cluster.local"),
    ("env.LISTEN", "127.0.0.1"),
    ("cidr", "10.42.0.0/16"),
    ("env.TZ", "${TIMEZONE}"),
    ("env.TOKEN", "<redacted>"),
    ("args[0]", "--metrics-port=9090"),
    ("extraVolumes[name=olafs-volume].name", "olafs-volume"),
]

HIDDEN = [
    ("env.URL", "https://${NAME}.lindqvist.example"),
    ("env.URL", "${URL:=https://lindqvist.example}"),
    ("args[1]", "--domain=lindqvist.example"),
    ("args[2]", "--peer=192.168.4.7:53"),
    ("env.NODE", "ip-192-168-4-7"),
    ("env.PREFIX", "192.168.4."),
    ("image.repository", "192.168.4.7:5000/app"),
    ("backup.repository", "s3.lindqvist.example/cluster"),
    ("backup.s3.bucket", "https://lindqvist.example"),
    ("repository", "https://git.lindqvist.example/anna/cluster.git"),
    ("image.tag", "lindqvist"),
    ("type", "lindqvist"),
    ("env.TYPE", "LindqvistHome"),
    ("args[3]", "--lindqvist"),
    ("env.SUBNET", "10.13.37"),
    ("config.center[0]", "13.405"),
]


@pytest.mark.parametrize(("path", "value"), SHOWN)
def test_what_says_nothing_about_a_person_is_shown(path: str, value: str):
    assert look_at(path, value).verdict is Verdict.SHOWN


@pytest.mark.parametrize(("path", "value"), HIDDEN)
def test_what_leads_to_a_person_is_not_shown_in_whatever_it_is_written(path: str, value: str):
    assert look_at(path, value).verdict is not Verdict.SHOWN


def test_a_template_and_a_default_say_what_they_hold():
    assert look_at("env.A", '{{ "lindqvist" }}').words == ("lindqvist",)
    assert look_at("env.A", "${A:-lindqvist}-data").words == ("lindqvist",)
    assert look_at("env.A", "{{ .Release.Name }}-data").verdict is Verdict.SHOWN


def test_there_are_200_personal_values_of_many_sorts():
    assert len(PERSONAL) == len(set(PERSONAL)) == 200
    assert len({sort for sort, _, _ in PERSONAL}) >= 15


@pytest.mark.parametrize(("path", "value"), [each[1:] for each in PERSONAL])
def test_no_look_shows_a_personal_value(path: str, value: str):
    assert look_at(path, value).verdict is not Verdict.SHOWN


def test_known_words_are_single_words_in_lower_case():
    assert [word for word in WORDS if not word.isalnum() or word != word.lower()] == []
