"""Changes to what the sites of scenario tls have of TLS, and the tests of tests/testinfra/tls that have to notice."""

from mutants import Mutant

SHOP = "sites/shop.conf"
BROUGHT = "sites/brought.conf"
HSTS = 'add_header Strict-Transport-Security "max-age=31536000; includeSubDomains" always;\n'
RETRY_AFTER = "add_header Retry-After $gatehouse_page_retry_after always;\n"
PROTOCOLS = "ssl_protocols TLSv1.2 TLSv1.3;"
CERTIFICATES = "/etc/nginx/gatehouse/certificates"
OLD = "ssl_protocols TLSv1.1 TLSv1.2 TLSv1.3; ssl_conf_command CipherString DEFAULT@SECLEVEL=0;"
REJECTED = "ssl_reject_handshake on;"
SHOWN = f"ssl_certificate {CERTIFICATES}/self.pem; ssl_certificate_key {CERTIFICATES}/self.pem;"
REDIRECT = "return 308 https://brought.example.test$request_uri;"
CACHE = "ssl_session_cache shared:gatehouse_tls:10m;"
WEAK = "ssl_ciphers ECDHE-ECDSA-AES128-SHA:"
BROUGHT_PEM = f"ssl_certificate {CERTIFICATES}/brought.pem;\n    ssl_certificate_key {CERTIFICATES}/brought.pem;"
SCANNER = "test_scanners.py::test_sslscan_finds_two_protocols_and_no_weak_cipher"
SERVED = "test_served.py"

MUTANTS = [
    Mutant("an old protocol is spoken", "tls.conf", PROTOCOLS, OLD, SERVED),
    Mutant("a protocol that is needed is not spoken", "tls.conf", PROTOCOLS, "ssl_protocols TLSv1.3;", SERVED),
    Mutant("a weak cipher is taken", "tls.conf", "ssl_ciphers ", WEAK, SCANNER),
    Mutant("there are tickets", "tls.conf", "ssl_session_tickets off;", "ssl_session_tickets on;", SERVED),
    Mutant("no session is resumed", "tls.conf", CACHE, "ssl_session_cache off;", SERVED),
    Mutant("unknown names get a handshake", "default_tls_server.conf", REJECTED, SHOWN, SERVED),
    Mutant("the default server answers", "default_tls_server.conf", "return 421;", "return 200 ours;", SERVED),
    Mutant("a redirect is another one", BROUGHT, REDIRECT, REDIRECT.replace("308", "301"), SERVED),
    Mutant("a redirect loses the path", BROUGHT, REDIRECT, REDIRECT.replace("$request_uri", "/"), SERVED),
    Mutant("plain HTTP is answered", BROUGHT, REDIRECT, "return 200 plain;", SERVED),
    Mutant("another site's certificate is shown", BROUGHT, BROUGHT_PEM, SHOWN, SERVED),
    Mutant(
        "a static file loses a header of the site",
        SHOP,
        f"add_header Cache-Control $gatehouse_cache_control;\n        add_header Referrer-Policy same-origin always;\n"
        f"        {HSTS}",
        "add_header Cache-Control $gatehouse_cache_control;\n",
        SERVED,
    ),
    Mutant(
        "an error page loses the headers of the site",
        SHOP,
        f"{RETRY_AFTER}        add_header Referrer-Policy same-origin always;\n        {HSTS}",
        RETRY_AFTER,
        SERVED,
    ),
    Mutant(
        "only successes have HSTS",
        SHOP,
        f"{HSTS}    client_max_body_size",
        f"{HSTS.replace(' always', '')}    client_max_body_size",
        SERVED,
    ),
    Mutant("the application believes in plain HTTP", "proxy.conf", "$scheme", "http", SERVED),
]
