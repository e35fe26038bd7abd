"""Mistakes of the kind that people make on such a host: the doctor names the cause, and its remedy works as typed."""

import pytest
from helpers.doctor import RELOAD
from helpers.handmade import FILE, NAME

PROJECT = "/home/deploy/project"
ROOT = f"0,/root .*project;/s#root {PROJECT};#alias {PROJECT}/static"
MISTAKES = {
    "nginx has another socket": (
        f"sed -i 's#unix:/run/gunicorn.sock#unix:/run/gunicorn/gunicorn.sock#' {FILE}",
        "gunicorn.service, whose files this site publishes, listens on unix:/run/gunicorn.sock",
    ),
    "the socket unit is stopped": (
        "systemctl stop gunicorn.socket gunicorn.service",
        "the socket unit gunicorn.socket, which listens there, is not active",
    ),
    "nginx may not enter the home directory": (
        "chmod 700 /home/deploy",
        "the directory /home/deploy (mode 0700 deploy:www-data) cannot be entered by nginx's user www-data",
    ),
    "the location lacks its slash": (
        f"sed -i 's#location /static/ {{#location /static {{#; {ROOT}/;#' {FILE}",
        "so /static../.env is /home/deploy/project/.env",
    ),
    "the alias lacks its slash": (
        f"sed -i '{ROOT};#' {FILE}",
        "The alias of location /static/ lacks its last slash",
    ),
    "the static files are away": (
        f"mv {PROJECT}/static {PROJECT}/static.away",
        "does not exist: collectstatic has not been run into it",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_of_the_usual_kind(driver, doctor, follow, undo, mistake):
    command, words = MISTAKES[mistake]
    undo(f"systemctl start gunicorn.socket; chmod 755 /home/deploy; cp -a /root/site {FILE}\n{RELOAD}")
    undo(f"[ ! -d {PROJECT}/static.away ] || {{ rm -rf {PROJECT}/static; mv {PROJECT}/static.away {PROJECT}/static; }}")
    driver.shell(f"cp -a {FILE} /root/site\n{command}\n{RELOAD}")
    (finding,) = doctor()["findings"]
    assert finding["site"] == NAME
    assert words in finding["cause"]
    follow(finding)
    assert doctor()["findings"] == []


def test_a_name_that_the_certificate_lacks(driver, doctor, follow, undo):
    """certbot's own `renew` would obtain the same names again, and its default authority is another one."""
    root = "/usr/local/share/ca-certificates/pebble.crt"
    undo(f"cp -a /root/site {FILE}\n{RELOAD}")
    undo(f"rm -r /etc/letsencrypt; mv /root/letsencrypt /etc/letsencrypt; rm {root}; update-ca-certificates --fresh")
    driver.shell(
        f"cp -a {FILE} /root/site; cp -a /etc/letsencrypt /root/letsencrypt\n"
        f"cp /etc/pebble/root.pem {root}; update-ca-certificates\n"
        f"sed -i '0,/server_name {NAME};/s//server_name {NAME} www.{NAME};/' {FILE}\n{RELOAD}"
    )
    (finding,) = doctor()["findings"]
    assert f"presents for {NAME} is for {NAME}, not for www.{NAME}" in finding["cause"]
    assert f"certbot certonly --cert-name {NAME} --expand " in finding["remedy"]
    follow(finding)
    assert doctor()["findings"] == []


def test_the_doctor_says_what_would_be_taken_over(doctor):
    (found,) = doctor(url=NAME)["takeovers"]
    assert found["site"] == NAME
    plan = "\n".join(found["plan"])
    for words in (
        "served by gunicorn.service as deploy, from /home/deploy/project, settings module steady.settings",
        "copy database 'default': /home/deploy/project/data/steady.sqlite3 to ",
        "copy uploads: /home/deploy/project/data/media to ",
        "replace /etc/nginx/sites-enabled/project",
        "stop and disable worker.service, gunicorn.socket, gunicorn.service",
        "renewed by certbot as hand.example.test",
    ):
        assert words in plan
    assert "a-key-for-throwaway-hosts" not in plan
    # Another site has no project of Django behind it that could be taken over.
    assert doctor(url="beside.example.test")["takeovers"] == []
