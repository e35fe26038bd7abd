"""The role nginx on the same host: what others configure and run stays as free as it was."""

from pathlib import Path

from helpers.play import run_play

PLAY = Path(__file__).parent / "role_nginx.yml"
DROP_IN = "/etc/systemd/system/nginx.service.d/gatehouse-sandbox.conf"


def test_the_role_does_not_sandbox_an_nginx_that_it_does_not_manage(host):
    started = host.check_output("systemctl show -P ExecMainStartTimestampMonotonic nginx.service")
    assert "nginx.conf was not changed" in run_play(PLAY, host)
    assert not host.file(DROP_IN).exists
    assert host.check_output("systemctl show -P NoNewPrivileges nginx.service") == "no"
    assert host.check_output("systemctl show -P ExecMainStartTimestampMonotonic nginx.service") == started
    compared = host.run("sha256sum --check --quiet /root/before.sha256")
    assert compared.rc == 0, compared.stdout


def test_the_role_removes_the_sandbox_when_it_restores_nginx_conf(host):
    host.check_output("install -d %s && echo '[Service]' >%s", str(Path(DROP_IN).parent), DROP_IN)
    run_play(PLAY, host)
    assert not host.file(DROP_IN).exists
