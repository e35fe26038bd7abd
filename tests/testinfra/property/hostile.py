"""Sites for the property tests: right ones, and ones in which some value is as bad as one can be."""

from hypothesis import strategies as st

HOSTS = ["example.com", "www.example.com", "a-b.example", "xn--bcher-kva.example", "UPPER.example", "a_b.example", "x"]
NAMES = [*HOSTS, "*.example.org", ".example.net", "mail.example.*", "192.0.2.7", "ärzte.example", "[2001:DB8::7]"]
LISTEN = ["80", "8080", "[::]:80", "127.0.0.1:81", "*:82", "192.0.2.1:83", "[2001:db8::1]:84", "65535", "1"]
SIZES = ["0", "1k", "1024", "20m", "1g", "512K", "9007199254740991k"]
TIMES = ["5", "60s", "500ms", "5m", "2h", "1d"]
PATHS = ["/", "/static/", "/a b/", "/é/", "/a;b{c}/", '/q"uo\\te/', "/robots.txt", "/a'b", "/#x/", "/~x/", "/x^(a)+/"]
DIRECTORIES = ["/srv/static/", "/srv/a b/", "/srv/日本/", "/srv/a;b/", '/srv/"x"/', "/srv/\\n/", "/srv/#{}/"]
UPSTREAMS = [
    *("http://127.0.0.1:8000", "http://[::1]:8000", "http://app1", "http://app-2.internal:81"),
    *("http://unix:/run/app.sock", "http://unix:/run/a b;{}.sock", 'http://unix:/run/"é"\\.sock'),
]
TLS_LISTEN = ["443", "8443", "[::]:443", "127.0.0.1:9443", "*:10443", "[2001:db8::1]:443"]
HSTS = ["max-age=0", "max-age=300", "max-age=31536000; includeSubDomains; preload"]
RATES = ["1r/s", "30r/m", "100r/s", "7r/m"]
NETWORKS = ["192.0.2.1", "10.0.0.0/8", "2001:db8::/32", "::1", "all"]
HEADERS = ["no-store", "private, max-age=60", 'a "b"', "a\\", "a;b{}#", "é"]

# What ends, opens or comments something in nginx's language, names a variable, or is cut, folded or decoded somewhere.
PIECES = [
    *(";", "{", "}", "#", '"', "'", "\\", "$", "$host", "${host}", "%s", "{{ 7 }}", "`", "|", "&", "<", "!"),
    *(
        " ",
        "\t",
        "\n",
        "\r\n",
        "\v",
        "\f",
        "\0",
        "\x1b",
        "\x7f",
        "\x85",
        "\xa0",
        "\u2028",
        "\u3000",
        "\ufeff",
        "\ud800",
    ),
    *(
        "; return 200;",
        '"; return 200; #',
        "'; }",
        "\n}\nserver {",
        "} location / { return 200; }",
        "\\\n",
        '\\"',
        "\\n",
    ),
    *(
        "..",
        "/../",
        "//",
        "/",
        ".",
        "/.",
        "*",
        "*.",
        "~",
        "~*",
        "=",
        "= ",
        "^~",
        "@",
        ":",
        "::",
        "[",
        "]",
        "-",
        "_",
        ",",
    ),
    *("%00", "%2e%2e", "%0a", "%20", "?", "?a=b", "&amp;", "é", "日本", "٣", "²", "İ", "a" * 70, "0" * 30, "9" * 30),
    *(
        "unix:",
        "http://",
        "default_server",
        " ssl",
        " default_server",
        "gatehouse-pages/",
        "/gatehouse-pages/",
        "a" * 5000,
    ),
]
WHOLE = {
    "name": ["", "..", ".", "-", "a/b", "shop_1", "shop", "Shop", "a" * 64, "con", "*"],
    "server_name": [
        *("", "_", "~^x$", "~.*", "*", ".", "*.", "*.*", "a.*.b", "*.example.*", ".example.*", "a..b", "example.com."),
        *(
            ".".join(["a" * 60] * 4),
            ".".join(["a" * 63] * 4),
            "-a",
            "a-",
            "http://a",
            "a:80",
            "a/",
            "localhost",
            "$host",
        ),
    ],
    "listen": [
        *("", "0", "080", "65536", "80 ssl", "http", "unix:/run/x", "127.0.0.1", "[::1]", "999.0.0.1:80", "1.2.3:80"),
        *(
            "[::1::2]:80",
            "[1.2.3.4]:80",
            "[::ffff:192.0.2.1]:80",
            "[fe80::1%eth0]:80",
            "0.0.0.0:80",
            "*:80",
            "[0::0]:80",
        ),
        *("nowhere.invalid:80", "localhost:80", "80-82", "-1", "٨٠", "8o", "010.0.0.1:80", "80 default_server"),
    ],
    "client_max_body_size": [
        "",
        "m",
        "-1",
        "1.5m",
        "20M",
        "20mb",
        "1t",
        "99999999999999g",
        "9223372036854775808",
        "٣m",
    ],
    "time": ["", "s", "0", "0s", "000ms", "-1s", "1.5s", "5 m", "1M", "1y", "1h30m", "99999999999999d", "9" * 19, "٣s"],
    "path": [
        *("", "x", "= /", "~ /", "@a", "/gatehouse-pages/", "/gatehouse-pages/502.html", "/gatehouse-pages", "/.git/"),
        *(
            "/a//b/",
            "/a/../b/",
            "/./",
            "/a%20b/",
            "/a?b",
            "/.well-known/",
            "/.well-known",
            "/a/.b/c/",
            "//",
            "/..",
            "/%",
        ),
    ],
    "alias": [
        "",
        "/",
        "//",
        "/srv//static/",
        "srv/",
        "/srv/../etc/",
        "/srv/..",
        "/srv/$x/",
        "/srv/x/.",
        "~/x/",
        "/srv/",
    ],
    "proxy_pass": [
        *("", "http://", "https://a", "HTTP://a", "a:80", "http://a:0", "http://a:99999", "http://a:", "http://8000"),
        *("http://1.2.3", "http://999.0.0.1", "http://[::1", "http://[1::2::3]:80", "http://[::1%lo]", "http://a..b"),
        *("http://-", "http://_", "http://.", "http://a:80/", "http://unix:", "http://unix:/", "http://unix:run/x"),
        *(
            "http://unix:/run/a.sock:/",
            "http://unix:/run/a.sock/",
            f"http://unix:/{'a' * 107}",
            f"http://unix:/{'a' * 106}",
        ),
        *(
            "http://$host",
            "http://a b",
            "http://a;b",
            "http://u:p@a",
            "http://gatehouse_shop",
            "http://٣",
            "http://0x7f.1",
        ),
    ],
    "cache_control": ["", " ", "\t", "$host"],
    "rate": ["", "1", "1r", "r/s", "0r/s", "1r/h", "1r/s burst=9", "10/s", "٣r/s", "1R/s", "9999999r/s", " 1r/s"],
    "allow": [
        "",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/255.0.0.0",
        "unix:",
        "localhost",
        "fe80::1%lo",
        "::ffff:10.0.0.0/104",
        "٣.0.0.1",
    ],
}
WHOLE["redirect_from"] = WHOLE["server_name"]
WHOLE["tls_listen"] = WHOLE["listen"]
WHOLE["page_cache"] = WHOLE["time"]
WHOLE["deny"] = WHOLE["allow"]
WHOLE["X-A"] = WHOLE["cache_control"]
WHOLE["hsts"] = ["", "300", "max-age", "max-age=1; preload", "max-age=300;includeSubDomains", "max-age=٣", "max-age=-1"]
WHOLE |= {f"proxy_{what}_timeout": WHOLE["time"] for what in ("connect", "send", "read")}


def optional(strategy):
    return st.none() | strategy


def options(**strategies):
    return st.fixed_dictionaries({}, optional=strategies)


def access():
    """Who may ask."""
    networks = st.lists(st.sampled_from(NETWORKS), max_size=3, unique=True)
    users = st.sampled_from([{}, {"ann": "secret"}])
    return {"allow": networks, "deny": networks, "basic_auth": users}


def limits():
    """How much, of the application."""
    times = {f"proxy_{what}_timeout": optional(st.sampled_from(TIMES)) for what in ("connect", "send", "read")}
    return {
        "rate": optional(st.sampled_from(RATES)),
        "connections": optional(st.integers(0, 50)),
        "page_cache": optional(st.sampled_from(["5", "60s", "2h", "off"])),
        "buffering": optional(st.booleans()),
        "websocket": st.booleans(),
        **times,
    }


def without_contradiction(found):
    """A cache is refused where nothing is buffered."""
    useless = found.get("websocket") or found.get("buffering") is False
    return {option: value for option, value in found.items() if option != "page_cache" or not useless}


@st.composite
def locations(draw, path):
    """A right location with this path: files or an application."""
    internal = draw(st.booleans())
    found = {"path": path, "internal": internal} | ({} if internal else draw(options(**access())))
    if draw(st.booleans()):
        alias = draw(st.sampled_from(DIRECTORIES))
        more = options(
            untrusted=st.booleans(),
            symlinks=st.sampled_from(["auto", "refuse", "same_owner", "follow"]),
            cache_control=optional(st.sampled_from(HEADERS)),
        )
        return found | {"alias": alias if path.endswith("/") else alias + "file"} | draw(more)
    more = options(client_max_body_size=optional(st.sampled_from(SIZES)), **limits())
    found |= {"proxy_pass": draw(st.sampled_from(UPSTREAMS))} | without_contradiction(draw(more))
    return found | ({"burst": draw(st.integers(0, 9))} if found.get("rate") else {})


def secured(tls):
    """The options that depend on it; an authority looks at port 80 and nowhere else."""
    listen = optional(st.lists(st.sampled_from(LISTEN), min_size=1, max_size=3, unique=True))
    if tls == "off":
        return {"listen": listen}
    more = {"tls_listen": optional(st.lists(st.sampled_from(TLS_LISTEN), min_size=1, max_size=3, unique=True))}
    more |= {"hsts": optional(st.sampled_from(HSTS))}
    return more if tls == "acme" else more | {"listen": listen}


@st.composite
def right_sites(draw):
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
    tls = draw(st.sampled_from(["off", "off", "self_signed", "acme"]))
    if tls == "acme":
        # An authority takes neither wildcards nor addresses.
        names = [name for name in names if name in HOSTS] or HOSTS[:1]
    if tls == "self_signed" and all(name.endswith(".*") for name in names):
        tls = "off"
    split = draw(st.integers(1, len(names)))
    if names[0] not in HOSTS:
        split = len(names)  # nothing to redirect to
    paths = draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=4, unique=True))
    site = {
        "name": draw(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}", fullmatch=True) | st.sampled_from(["shop", "shop_1"])),
        "server_name": names[:split],
        "redirect_from": names[split:],
        "locations": [draw(locations(path)) for path in paths],
        "tls": tls,
    }
    site |= without_contradiction(
        draw(
            options(
                state=st.sampled_from(["present", "present", "present", "absent"]),
                headers=st.just({}) | st.sampled_from(HEADERS).map(lambda value: {"X-A": value}),
                **secured(tls),
                client_max_body_size=st.sampled_from(SIZES),
                **access(),
                **limits(),
                maintenance=st.booleans(),
            )
        )
    )
    # A cache is refused as well where all of its paths have a password.
    rules = [site, *site["locations"]]
    if any(rule.get("basic_auth") for rule in rules):
        for rule in rules:
            rule.pop("page_cache", None)
    return site


def texts(value, way=()):
    """Where in a site a text stands, each as the keys and indexes that lead there."""
    if isinstance(value, str):
        # Options with choices take no other value.
        return [way] if way[-1] not in ("state", "tls", "symlinks") and "basic_auth" not in way else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, inner in pairs for found in texts(inner, (*way, key))]


def option(way):
    """The option that stands there."""
    return next(key for key in reversed(way) if isinstance(key, str))


@st.composite
def spoiled(draw, value, option):
    """A hostile value for the option, most often near a right one."""
    how = draw(st.sampled_from(["insert", "insert", "whole", "text"]))
    if how == "whole":
        return draw(st.sampled_from(WHOLE[option]))
    if how == "text":
        return draw(st.text(max_size=12))
    begin = draw(st.integers(0, len(value)))
    end = draw(st.sampled_from([begin, begin, len(value)]))
    return value[:begin] + draw(st.sampled_from(PIECES)) + value[end:]


@st.composite
def sites(draw):
    """A site, and the options in which it was given a hostile value: none, one or two."""
    site = draw(right_sites())
    ways = draw(st.lists(st.sampled_from(texts(site)), max_size=2, unique=True))
    for *above, last in ways:
        inner = site
        for key in above:
            inner = inner[key]
        inner[last] = draw(spoiled(inner[last], option((*above, last))))
    return site, {option(way) for way in ways}
