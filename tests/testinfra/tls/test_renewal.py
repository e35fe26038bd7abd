"""certbot's timer renews a certificate under load, and nginx serves the new one."""

from helpers.hosts import eventually
from helpers.tls import certificate, visitors

CONFIGURATION = "/etc/letsencrypt/renewal/gatehouse-shop.conf"
MANY = 25  # answers


def test_the_timer_is_enabled(host):
    assert host.service("certbot.timer").is_enabled
    assert host.service("certbot.timer").is_running


def test_no_request_fails_during_a_renewal(host, address):
    """As the timer does it, by certbot's own unit: the certificate is made due by its configuration alone."""
    before, other = certificate(address, "shop.example.test"), certificate(address, "blog.example.test")
    generation = host.check_output("readlink /etc/nginx/gatehouse/live")
    host.check_output(f"sed -i '1i renew_before_expiry = 9999 days' {CONFIGURATION}")
    try:
        with visitors(address, "shop.example.test") as (answers, failures):
            eventually(lambda: len(answers) > MANY)
            # The authority rejects one nonce in twenty, and certbot tries only twice; its timer starts it again.
            eventually(lambda: host.run("systemctl start certbot.service").rc == 0, 60)
            renewed = len(answers)
            eventually(lambda: len(answers) > renewed + MANY)
    finally:
        host.check_output(f"sed -i '/^renew_before_expiry/d' {CONFIGURATION}")
    assert failures == []
    assert certificate(address, "shop.example.test") != before
    assert certificate(address, "blog.example.test") == other
    # The name is the same, so nothing of nginx's configuration is.
    assert host.check_output("readlink /etc/nginx/gatehouse/live") == generation
    assert host.file("/etc/nginx/gatehouse/certificates/shop.pem").mode == 0o600


def test_the_next_run_reloads_nginx_for_a_certificate_that_was_replaced(host, address, publish):
    """What nginx has not read, another run brings to it, though no file differs from the plan."""
    lineage = "/etc/letsencrypt/live/gatehouse-blog"
    before = certificate(address, "blog.example.test")
    renew = (
        "REQUESTS_CA_BUNDLE=/var/lib/gatehouse/authorities.pem certbot renew --quiet --force-renewal --disable-hook-"
        "validation --no-random-sleep-on-renew --cert-name gatehouse-blog --deploy-hook true --no-directory-hooks"
    )
    eventually(lambda: host.run(renew).rc == 0, 60)
    assert certificate(address, "blog.example.test") == before
    host.check_output(f"cat {lineage}/privkey.pem {lineage}/fullchain.pem > /etc/nginx/gatehouse/certificates/blog.pem")
    played = publish()
    assert played.code == 0, played.output
    eventually(lambda: certificate(address, "blog.example.test") != before)
    again = publish()
    assert "changed=0" in again.output, again.output
    # The hook that certbot keeps is ours again.
    host.check_output(
        "sed -i 's,^renew_hook.*,renew_hook = /usr/local/lib/gatehouse/deploy-certificate,' "
        "/etc/letsencrypt/renewal/gatehouse-blog.conf"
    )
