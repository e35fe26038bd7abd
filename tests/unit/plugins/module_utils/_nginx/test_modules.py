"""Which modules nginx loads, as its configuration says."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.modules import loaded_modules

BROTLI = "load_module modules/ngx_http_brotli_static_module.so;\n"


@pytest.fixture
def conf_dir(tmp_path):
    enabled = tmp_path / "modules-enabled"
    enabled.mkdir()
    (enabled / "50-mod-http-brotli-static.conf").write_text(BROTLI)
    (enabled / "50-mod-stream.conf").write_text('load_module "modules/ngx_stream_module.so";')
    (enabled / "60-off.conf").write_text("# load_module modules/ngx_off_module.so;\n")
    (tmp_path / "managed.conf").write_text("user www-data;\ninclude modules-enabled/*.conf;\nevents {\n}\n")
    return tmp_path


def test_as_debian_has_it(conf_dir):
    text = f"user www-data;\nerror_log /var/log/nginx/error.log;\ninclude {conf_dir}/modules-enabled/*.conf;\nevents {{"
    assert loaded_modules(text, str(conf_dir)) == {"ngx_http_brotli_static_module", "ngx_stream_module"}


def test_through_a_file_that_includes_others(conf_dir):
    assert "ngx_http_brotli_static_module" in loaded_modules("include managed.conf;", str(conf_dir))


def test_a_configuration_that_includes_none_loads_none(conf_dir):
    text = "user www-data;\nevents {}\nhttp { include modules-enabled/*.conf; }\n"
    assert loaded_modules(text, str(conf_dir)) == set()


@pytest.mark.parametrize(
    "text",
    [
        BROTLI,
        "load_module /opt/ngx_http_brotli_static_module.so ;",
        "user a; load_module 'modules/ngx_http_brotli_static_module.so';",
    ],
)
def test_in_the_main_file_itself(text, conf_dir):
    assert loaded_modules(f"{text}\nevents {{}}", str(conf_dir)) == {"ngx_http_brotli_static_module"}


@pytest.mark.parametrize("text", ["", f"# {BROTLI}", f"env X; #{BROTLI}", "include gone/*.conf;"])
def test_comments_and_later_blocks_load_no_module(text, conf_dir):
    assert loaded_modules(text, str(conf_dir)) == set()


def test_files_that_include_each_other(conf_dir):
    (conf_dir / "a.conf").write_text(f"include b.conf;\n{BROTLI}")
    (conf_dir / "b.conf").write_text("include a.conf;")
    assert loaded_modules("include a.conf;", str(conf_dir)) == {"ngx_http_brotli_static_module"}
