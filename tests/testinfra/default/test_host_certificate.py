"""A certificate that another program maintains on the host: read in place, checked, and renewed."""

import ssl

import pytest
from helpers.direct import driver as driver_of
from helpers.tls import connect, trusting

HOME = "/etc/ssl/wild"
FILES = {"tls_certificate": f"{HOME}/live/fullchain.pem", "tls_key": f"{HOME}/live/privkey.pem"}
MAKE = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=wild -days 90"


def site(**options):
    locations = [{"path": "/", "proxy_pass": "http://127.0.0.1:8000"}]
    given = {"name": "wild", "server_name": ["*.wild.example.test"], "locations": locations, **FILES}
    return given | {"tls": "host", "listen": ["8092"], "tls_listen": ["8492"]} | options


@pytest.fixture
def driver(host):
    """A host with a key and a certificate as certbot keeps them: links to the newest of several."""
    driver = driver_of(host.backend.name)
    driver.shell(f"mkdir -p {HOME}/live {HOME}/archive")
    renew(driver, 1)
    yield driver
    driver.publish({"name": "wild", "state": "absent"})
    driver.shell(f"rm -r {HOME}")


def renew(driver, number):
    files = f"-keyout {HOME}/archive/privkey{number}.pem -out {HOME}/archive/fullchain{number}.pem"
    driver.shell(f"{MAKE} -addext 'subjectAltName=DNS:*.wild.example.test' {files} 2>&1")
    for name in ("privkey", "fullchain"):
        driver.shell(f"ln -sfn ../archive/{name}{number}.pem {HOME}/live/{name}.pem")


def presented(address):
    with connect(address, "any.wild.example.test", trusting(), 8492) as connection:
        return ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True)).split()


def test_it_is_served_and_a_renewal_is_live_after_the_next_run(driver, address):
    published = driver.publish(site())
    assert not published["failed"], published["msg"]
    assert presented(address) == driver.shell(f"cat {HOME}/archive/fullchain1.pem").split()
    assert not driver.publish(site())["changed"]
    assert "PRIVATE KEY" not in str(published)
    renew(driver, 2)
    renewed = driver.publish(site())
    assert (renewed["changed"], renewed["reloaded"], renewed["generation"]) == (True, True, published["generation"])
    assert presented(address) == driver.shell(f"cat {HOME}/archive/fullchain2.pem").split()
    assert not driver.publish(site())["changed"]


def test_wrong_files_are_refused(driver):
    def refusal(**options):
        refused = driver.publish(site(**options))
        assert refused["failed"]
        return refused["msg"]

    missing = refusal(tls_certificate="/no/such.pem")
    assert "site 'wild': tls_certificate '/no/such.pem' cannot be read on the host (No such file" in missing
    assert "Nothing was changed" in missing
    assert "does not cover other.example.test" in refusal(server_name=["other.example.test"])
    assert "contains no PEM private key: name the file of the key in tls_key" in refusal(tls_key=None)
    renew(driver, 2)
    other = refusal(tls_key=f"{HOME}/archive/privkey1.pem")
    assert "key values mismatch" in other
    assert "site 'wild', option 'tls_key'" in other
    driver.shell(f"chmod 644 {HOME}/archive/privkey2.pem")
    assert f"can be read by all users or written by its group (mode 0644): run 'chmod 0640 {HOME}/arch" in refusal()


def test_what_goes_wrong_later_is_a_warning(driver, address):
    """Other sites must remain changeable."""
    assert not driver.publish(site())["failed"]
    driver.shell(f"chmod 644 {HOME}/archive/privkey1.pem")
    again = driver.publish(site())
    assert not again["failed"]
    assert "can be read by all users" in "".join(again["warnings"])
