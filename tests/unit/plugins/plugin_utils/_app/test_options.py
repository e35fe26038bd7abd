"""Problems of the options of an app."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.options import problems

COMMIT = "0" * 40
KEY = "-----BEGIN PRIVATE KEY-----\nMAMCAQA=\n-----END PRIVATE KEY-----\n"
THEME = {"url": "ssh://git@example.com/theme.git", "deploy_key": KEY}
DEPLOYED = {
    "git": "ssh://git@example.com/shop.git",
    "deploy_key": KEY,
    "known_hosts": "example.com ssh-ed25519 AAAA",
}


@pytest.fixture
def options(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code.zip").touch()
    return {
        "name": "shop",
        "source": {"directory": str(tmp_path / "code")},
        "settings_module": "shop.settings",
        "application": "shop.wsgi:application",
        "interface": "wsgi",
        "environment": {},
        "secrets": {},
        "settings": {},
        "build_environment": {},
        "requirements": [],
        "health_path": "/",
        "keep_releases": 5,
    }


def found(options, tmp_path, app=None):
    return "\n".join(problems(options, app or {}, str(tmp_path)))


def test_valid_options_have_no_problems(options, tmp_path):
    assert found(options, tmp_path, {"name": "shop", "settings_module": "shop.settings"}) == ""
    options |= {"health_path": "/a%20b?c=1", "health_host": "[2001:db8::1]:8000", "media_group": "_nginx-1"}
    options |= {"workers": 0, "threads": "8", "timeout": 3600, "serial": "2", "health_status": [200, "302"]}
    assert found(options, tmp_path) == ""
    options |= {"workers": None, "health_status": "200, 404"}
    assert found(options, tmp_path) == ""


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("name", "Shop", "name: 'Shop' is not a slug"),
        ("name", "../etc", "name: '../etc' is not a slug"),
        ("name", "shop\n", "is not a slug"),
        ("name", "s" * 27, "is not a slug. Use a lower-case letter"),
        ("name", "shop-build", "name: 'shop-build' is reserved for the user that builds the app 'shop'"),
        ("name", "shop-copy", "name: 'shop-copy' is reserved for the user that works on copies of the data of the app"),
        ("name", "valkey-shop-cache", "name: 'valkey-shop-cache' is reserved for the user of an instance of Valkey"),
        (
            "settings_module",
            "shop/settings.py",
            "settings_module: 'shop/settings.py' is not the name of a Python module",
        ),
        ("settings_module", "", "settings_module: ''"),
        ("application", "shop.wsgi", "application: 'shop.wsgi' is not valid"),
        ("prefix", "shop", "prefix: 'shop' needs a slash at both ends: write '/shop/'"),
        ("prefix", "/", "prefix: '/' is the whole site, not a path below it. Remove the option."),
        ("source", {}, "exactly one of git, directory, archive, pypi, not none"),
        ("source", {"git": "https://x/y.git", "pypi": "a==1"}, "not git and pypi"),
        ("source", {"gitt": "https://x/y.git"}, "source: unknown key 'gitt': did you mean 'git'?"),
        ("source", {"directory": "/nowhere"}, "directory '/nowhere' does not exist on the controller"),
        ("source", {"directory": "code", "subdirectory": "back"}, "subdirectory 'back' does not exist"),
        ("source", {"directory": "code", "subdirectory": "../.."}, "must be a relative path inside of the source"),
        ("source", {"pypi": "a==1", "exclude": ["docs"]}, "source: exclude works with directory only"),
        ("source", {"directory": "code", "exclude": "docs"}, "source: exclude must be a list of patterns"),
        ("source", {"directory": "code", "exclude": ["#x"]}, "source: exclude '#x' is not a pattern of .gitignore"),
        ("source", {"directory": "code", "exclude": ["!"]}, "source: exclude '!' is not a pattern"),
        ("source", {"archive": "none.zip"}, "archive 'none.zip' does not exist on the controller"),
        ("source", {"archive": "https://x/y.zip"}, "needs a checksum"),
        ("source", {"archive": "code.zip", "checksum": "md5:aa"}, "checksum 'md5:aa'"),
        ("source", {"pypi": "shop"}, "pypi 'shop' must name one version"),
        ("source", {"pypi": "shop>=1"}, "must name one version"),
        (
            "source",
            {**DEPLOYED, "git": "https://example.com/shop.git"},
            "deploy_key needs an ssh URL, like 'ssh://git@",
        ),
        ("source", {**DEPLOYED, "git": "file:///srv/shop.git"}, "not 'file:///srv/shop.git'"),
        ("source", {**DEPLOYED, "deploy_key": "/root/.ssh/id_rsa"}, "source: deploy_key is not a private key"),
        ("source", {**DEPLOYED, "known_hosts": ""}, "source: deploy_key needs known_hosts"),
        (
            "source",
            {
                **DEPLOYED,
                "deploy_key": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAM=\n-----END ENCRYPTED PRIVATE KEY-----",
            },
            "source: deploy_key is encrypted. The host cannot ask for a passphrase",
        ),
        ("source", {**DEPLOYED, "deploy_key": None, "known_hosts": "", "credentials": [THEME]}, "needs known_hosts"),
        (
            "source",
            {**DEPLOYED, "credentials": [{**THEME, "ur1": 1}]},
            "credentials[0] ('ssh://git@example.com/theme.git'): unknown key 'ur1'",
        ),
        ("source", {**DEPLOYED, "credentials": [{"deploy_key": KEY}]}, "source: credentials[0]: url must be that of a"),
        (
            "source",
            {**DEPLOYED, "credentials": [THEME, THEME]},
            "source: credentials[1] ('ssh://git@example.com/theme.git'): this URL has credentials already",
        ),
        (
            "source",
            {**DEPLOYED, "credentials": [{**THEME, "url": "ssh://git@example.com/shop.git"}]},
            "has credentials already",
        ),
        (
            "source",
            {**DEPLOYED, "credentials": [{**THEME, "url": "https://example.com/"}]},
            "deploy_key needs an ssh URL, like",
        ),
        ("source", {**DEPLOYED, "credentials": [{"url": "https://example.com/a.git"}]}, "or a token to an https URL"),
        ("source", {**DEPLOYED, "credentials": [{**THEME, "deploy_key": "x"}]}, "deploy_key is not a private key"),
        ("source", {**DEPLOYED, "credentials": "key"}, "source: credentials must be a list of entries with url"),
        ("source", {"pypi": "a==1", "lfs": True}, "source: lfs works with git only"),
        ("source", {"directory": "code", "known_hosts": "x"}, "source: known_hosts works with git or credentials only"),
        ("source", {"git": "--upload-pack=x"}, "must not begin with '-'"),
        ("source", {"git": "https://x/y.git", "version": "-x"}, "source: version '-x'"),
        ("environment", {"A-B": "x"}, "environment: 'A-B' is not a valid name"),
        ("environment", {"DEBUG": True}, "environment: DEBUG must be a string"),
        ("environment", {"HOSTS": ["a"]}, "HOSTS must be a string"),
        ("environment", {"A": "\x07"}, "A contains a control character"),
        ("environment", {"GATEHOUSE_APP": "x"}, "'GATEHOUSE_APP' is set by the role"),
        ("environment", {"DJANGO_SETTINGS_MODULE": "x"}, "use settings_module"),
        ("secrets", {"A": None}, "secrets: A must be a string"),
        ("settings", {"debug": False}, "settings: 'debug' is not a valid name of a Django setting"),
        ("settings", {"A": {1, 2}}, "settings: A must consist of strings"),
        ("requirements", ["--index-url=x"], "'--index-url=x' is not a requirement"),
        ("health_path", "healthz", "health_path: 'healthz' must begin with '/'"),
        ("health_path", "/a b", "health_path: '/a b' must begin with '/' and contain only visible ASCII"),
        ("health_path", "/\r\nX: y", "Encode other characters, like %20"),
        ("health_host", "shop.example.com\n", "health_host: 'shop.example.com\n' is not a valid host"),
        ("health_host", "shop.example.com/x", "health_host: 'shop.example.com/x' is not a valid host"),
        ("media_group", "", "media_group: '' is not a valid name of a group"),
        (
            "media_group",
            "%u",
            "media_group: '%u' is not a valid name of a group. Use a group of the host, like 'www-data'.",
        ),
        ("media_group", "www\nUser=root", "is not a valid name of a group"),
        ("packages", ["--reinstall"], "packages: '--reinstall' is not a valid name of a Debian package"),
        ("files", {"/etc/shop.cfg": ""}, "files: '/etc/shop.cfg' must be a relative path inside of the project's"),
        ("files", {"../x": ""}, "files: '../x' must be a relative path"),
        ("files", {"conf/": ""}, "files: 'conf/' must be a relative path"),
        ("files", {"x.json": {"a": 1}}, "files: the content of 'x.json' must be a string"),
        ("check_ignore", ["weblate E019"], "'weblate E019' is not the identifier of a check, like 'security.W004'"),
        ("migrate_databases", ["default,queue"], "'default,queue' is not a valid alias"),
        ("proxy", "http://proxy:3128", "proxy: write it as a dictionary"),
        ("proxy", {"url": "proxy:3128"}, "proxy: url must be like 'http://proxy.example.com:3128'"),
        ("keep_releases", 1, "keep_releases: '1' must be a whole number, 2 or more"),
        ("keep_releases", "many", "keep_releases: 'many' must be"),
        ("workers", -3, "workers: '-3' must be a whole number from 0 to 1000. It is the number of processes; 0 is"),
        ("workers", True, "workers: 'True' must be a whole number"),
        ("threads", 0, "threads: '0' must be a whole number from 1 to 1000. It is the number of threads"),
        ("timeout", 0, "timeout: '0' must be a whole number from 1 to 86400. It is the seconds after which gunicorn"),
        ("timeout", "-5", "timeout: '-5' must be"),
        ("timeout", "30s", "timeout: '30s' must be"),
        ("serial", 0, "serial: '0' must be a whole number from 1 to 10000. It is how many hosts switch"),
        ("serial", "50%", "serial: '50%' must be"),
        ("health_status", [200, 20], "health_status: '20' is not a status code of HTTP, from 100 to 599. List those"),
        ("health_status", "200,ok", "health_status: 'ok' is not a status code"),
    ],
)
def test_each_problem_is_named(options, tmp_path, option, value, said):
    assert said in found({**options, option: value}, tmp_path)


@pytest.mark.parametrize(
    "source",
    [
        {"directory": "code"},
        {"directory": "code", "exclude": ["/docs/", "*.psd", "!.env"]},
        {"archive": "code.zip"},
        {"archive": "https://x/y.zip", "checksum": f"sha256:{'0' * 64}"},
        {"pypi": "shop[extra]==1.0.post1"},
        {"git": "git@example.com:shop.git", "version": COMMIT},
        DEPLOYED,
        {**DEPLOYED, "git": "git@example.com:shop.git"},
        {"git": "https://bot:token@example.com/shop.git"},
        {**DEPLOYED, "credentials": [THEME, {"url": "https://bot:token@example.com/group/"}], "lfs": True},
    ],
)
def test_valid_sources(options, tmp_path, source):
    assert found({**options, "source": source}, tmp_path) == ""


def test_a_controller_without_git(options, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "source: directory needs git on the controller" in found(options, tmp_path)


def test_a_secret_is_never_quoted(options, tmp_path):
    assert "s3cr3t" not in found({**options, "secrets": {"A": "s3cr3t\x00"}}, tmp_path)


def test_a_token_is_never_quoted(options, tmp_path):
    credentials = [{"url": "https://bot:t0ken@example.com/a b"}, {"url": "https://bot:t0ken@x/", "deploy_key": KEY}]
    said = found({**options, "source": {**DEPLOYED, "credentials": [*credentials, credentials[1]]}}, tmp_path)
    assert said.count("credentials[") == 3
    assert "t0ken" not in said and "MAMCAQA" not in said


def test_a_variable_in_environment_and_secrets_is_refused(options, tmp_path):
    said = found({**options, "environment": {"A": "1"}, "secrets": {"A": "2"}}, tmp_path)
    assert said == "secrets: 'A' is also in environment. Remove it from one of them."


def test_a_misspelt_key_of_the_app(options, tmp_path):
    assert found(options, tmp_path, {"interfce": "asgi"}) == "unknown key 'interfce': did you mean 'interface'?"
    assert found(options, tmp_path, {"zzz": 1}).startswith("unknown key 'zzz'. Known: application, ")


def test_a_variable_that_overrides_a_key_is_refused(options, tmp_path):
    assert "the variable django_app_interface" in found(options, tmp_path, {"interface": "asgi"})
