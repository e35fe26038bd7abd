"""What the options of a site mean in nginx's terms, and what an independent parser finds in its file.

Both are the same two things, so that they can be compared: the upstreams, each as a set of directives, and the servers,
each as a set of directives and blocks. A directive is (name, arguments), a block has its content as a third element.
The order is of no interest: nginx chooses a location by its path.
"""

import ipaddress
import posixpath
import re

import crossplane
import meaning_rules as rules
from crossplane import analyzer

# `http2 on;` came with nginx 1.25.1, after the newest crossplane.
analyzer.DIRECTIVES.setdefault("http2", analyzer.DIRECTIVES["http2_push_preload"])


def upstream(address):
    first = ("server", (address, "max_fails=0"))
    again = ("server", (same_by_another_path(address), "max_fails=0", "backup"))
    return frozenset([first, again, ("keepalive", ("32",)), ("keepalive_timeout", ("5s",))])


def same_by_another_path(address):
    """The same socket for the kernel, and another server for nginx. A path has up to 107 bytes (unix(7))."""
    directory, name = posixpath.split(address)
    path = f"{directory.rstrip('/')}/./{name}"
    return path if address.startswith("unix:/") and len(path[len("unix:") :].encode()) <= 107 else address


def once(address, version):
    """For requests that nginx must not repeat. From 1.29.7 on it keeps connections where nothing says otherwise."""
    keeps = version is not None and numbers(version) >= (1, 29, 7)
    return frozenset([("server", (address, "max_fails=0")), *([("keepalive", ("0",))] if keeps else [])])


def numbers(version):
    return tuple(map(int, version.split(".")))


def wanted(site, version=None):
    """The upstreams and the servers that *site* asks for, where no authority has given a certificate yet."""
    if site["state"] == "absent":
        return [], []
    addresses = {location["proxy_pass"] for location in site["locations"]} - {None}
    secure = secured(site, version) if site["tls"] != "off" else None
    answers = [("include", ("/etc/nginx/gatehouse/live/acme.conf",))] if site["tls"] == "acme" else []
    servers = [main_server(site, secure)]
    if site["tls"] == "acme":
        servers.append(main_server(site, None, answers))
    if site["tls"] == "self_signed":
        servers += [redirecting_server(site, None, [name], *to_https(site, name)) for name in site["server_name"]]
    if site["redirect_from"]:
        first = site["server_name"][0]
        plain = f"$scheme://{first}$gatehouse_port"
        if secure:
            there = f"https://{first}{port(site)}"
            servers.append(redirecting_server(site, secure, site["redirect_from"], there))
            plain = there if site["tls"] == "self_signed" else f"http://{first}$gatehouse_port"
        servers.append(redirecting_server(site, None, site["redirect_from"], plain, answers))
    plain = [address.removeprefix("http://") for address in addresses]
    return [made for address in plain for made in (upstream(address), once(address, version))], servers


def port(site):
    """Of HTTPS, as it stands in an address."""
    number = (site["tls_listen"] or ["443"])[0].rpartition(":")[2]
    return "" if number == "443" else f":{number}"


def to_https(site, name):
    """Where the name is redirected to, and what comes before that."""
    if "*" not in name and not name.startswith("."):
        return f"https://{name}{port(site)}", []
    plain = re.escape(name.strip(".*"))
    before = r"(^|\.)" if name.startswith(".") else r"\."
    pattern = rf"^{plain}\." if name.endswith(".*") else f"{before}{plain}$"
    guard = ("if", ("$host", "!~*", pattern), frozenset([("return", ("444",))]))
    return f"https://$host{port(site)}", [guard]


def secured(site, version):
    """What makes a server one of HTTPS."""
    old = version is not None and numbers(version) < (1, 25, 1)
    options = ("ssl", "http2") if old else ("ssl",)
    file = f"/etc/nginx/gatehouse/certificates/{site['name']}.pem"
    found = [("listen", listening(address), *options) for address in site["tls_listen"] or ["443", "[::]:443"]]
    found += [("include", ("/etc/nginx/gatehouse/live/site_tls.conf",))]
    found += [("ssl_certificate", (file,)), ("ssl_certificate_key", (file,))]
    return found if old else [*found, ("http2", ("on",))]


def headers(site, secure):
    found = [("add_header", (name, value, "always")) for name, value in site["headers"].items()]
    if secure and site["hsts"]:
        found.append(("add_header", ("Strict-Transport-Security", site["hsts"], "always")))
    return found


def every_server(site, names, secure):
    listen = secure or [("listen", listening(address)) for address in site["listen"] or ["80", "[::]:80"]]
    return [*listen, ("server_name", tuple(names)), logged(site, "gatehouse_json")]


def logged(site, form):
    return ("access_log", (f"/var/log/nginx/{site['name']}.access.log", form, "buffer=64k", "flush=5s"))


def redirecting_server(site, secure, names, target, before=()):
    answer = ("return", ("308", f"{target}$request_uri"))
    if any(directive[0] == "include" for directive in before):
        answer = ("location", ("/",), frozenset([answer]))
    sent = headers(site, secure) if secure else []
    return frozenset([*every_server(site, names, secure), ("server_tokens", ("off",)), *before, *sent, answer])


def main_server(site, secure, before=()):
    sent = headers(site, secure)
    shared = [
        ("client_max_body_size", (site["client_max_body_size"],)),
        ("include", (f"/etc/nginx/gatehouse/live/server{'_without_pages' if sent else ''}.conf",)),
        *rules.of_site(site),
        *before,
        *sent,
    ]
    if sent:
        shared.append(error_pages(sent))
    locations = []
    for location in site["locations"]:
        locations += files(site, location, sent) if location["alias"] else proxied(site, location, sent)
    if "/" not in {location["path"] for location in site["locations"]}:
        locations.append(("location", ("/",), frozenset([("return", ("404",))])))
    return frozenset([*every_server(site, site["server_name"], secure), *shared, *locations])


def error_pages(sent):
    own = [("Cache-Control", "no-store", "always"), ("Retry-After", "$gatehouse_page_retry_after", "always")]
    inside = [("internal", ()), ("alias", ("/etc/nginx/gatehouse/live/pages/",))]
    inside += [("allow", ("all",)), ("auth_basic", ("off",))]
    inside += [("add_header", header) for header in own]
    return ("location", ("^~", "/gatehouse-pages/"), frozenset([*inside, *sent]))


def files(site, location, sent):
    """Rules of a single file hold for its compressed copies."""
    path, alias = location["path"], location["alias"]
    found = [published(site, location, sent, path, alias)]
    ruled = location["internal"] or any(location[option] is not None for option in rules.ACCESS)
    taken = {other["path"] if other["alias"] else other["path"].rstrip("/") for other in site["locations"]}
    for ending in (".gz", ".br") if ruled and not path.endswith("/") else ():
        if path + ending not in taken:
            found.append(published(site, location, sent, path + ending, alias + ending))
    return found


def published(site, location, sent, path, alias):
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "$gatehouse_cache_control"}
    if location["untrusted"]:
        headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        headers["Cache-Control"] = "no-cache"
    if location["internal"]:
        headers["Cache-Control"] = "private, no-cache"
    if location["cache_control"] is not None:
        headers["Cache-Control"] = location["cache_control"]
    inside = [("alias", (alias,)), ("disable_symlinks", links(location)), ("gzip_static", ("on",))]
    inside += [*(("add_header", header) for header in headers.items()), *sent, *rules.of_location(site, location)]
    if location["untrusted"] or location["internal"]:
        inside.append(("open_file_cache_errors", ("off",)))
    if not location["internal"]:
        inside.append(logged(site, "gatehouse_json_file"))
    return located(location, (path,) if path.endswith("/") else ("=", path), inside)


def links(location):
    mode = {"same_owner": "if_not_owner", "follow": "off"}.get(location["symlinks"], "on")
    above = posixpath.dirname(location["alias"].rstrip("/")).rstrip("/")
    return (mode,) if mode == "off" or not above else (mode, f"from={above}")


def proxied(site, location, sent):
    """One for the path itself and one for all below it, unless these are files."""
    inside = [*rules.of_location(site, location)]
    if site["maintenance"]:
        inside.append(("return", ("503",)))
    else:
        inside += asked(site, location)
        # The application's own header is sent where it has one.
        inside += [("add_header", (name, ("unless", variable(name), value), how)) for _add, (name, value, how) in sent]
    files = {other["path"] for other in site["locations"] if other["alias"]}
    base = location["path"].rstrip("/")
    paths = [path for path in (base, f"{base}/") if path and path not in files]
    return [located(location, ("^~" if path.endswith("/") else "=", path), inside) for path in paths]


def asked(site, location):
    """How the application is asked."""
    websocket = rules.inherited(site, location, "websocket")[0]
    upgrade = ("$gatehouse_upgrade", "$gatehouse_connection") if websocket else ("", "")
    return [
        ("proxy_pass", upstream(location["proxy_pass"].removeprefix("http://"))),
        ("include", ("/etc/nginx/gatehouse/live/proxy.conf",)),
        ("proxy_set_header", ("Upgrade", upgrade[0])),
        ("proxy_set_header", ("Connection", upgrade[1])),
        *rules.password(site, location),
        *rules.guard(location["path"]),
        *rules.of_application(site, location),
    ]


def variable(name):
    return f"$upstream_http_{name.lower().replace('-', '_')}"


def located(location, arguments, inside):
    return ("location", arguments, frozenset([*inside, ("internal", ())] if location["internal"] else inside))


def listening(address):
    """The socket address that a `listen` means, however it is written."""
    host, _colon, port = address.rpartition(":")
    ip = ipaddress.ip_address("0.0.0.0" if host in ("", "*") else host.strip("[]"))
    return str(ip), int(port)


def found(path):
    """The upstreams and the servers in the file, as crossplane reads it."""
    shared = take_maps(path)
    parsed = crossplane.parse(str(path), single=True, strict=True, check_ctx=False, catch_errors=False)
    (config,) = parsed["config"]
    assert config["status"] == "ok", config["errors"]
    upstreams, servers = {}, []
    for statement in config["parsed"]:
        name, arguments = statement["directive"], statement["args"]
        assert name in ("upstream", "server", "limit_req_zone", "limit_conn_zone", "proxy_cache_path"), statement
        if name == "upstream":
            assert arguments[0] not in upstreams
            upstreams[arguments[0]] = content(statement["block"], {}, {})
        elif name == "server":
            assert arguments == []
            servers.append(content(statement["block"], upstreams, shared))
        elif name == "proxy_cache_path":
            shared[arguments[2].removeprefix("keys_zone=").partition(":")[0]] = arguments[0].rpartition(".")[0]
            assert arguments[3:] == ["max_size=100m", "inactive=1h", "use_temp_path=off"]
        else:
            key, zone, *rate = arguments
            zone, size = zone.removeprefix("zone=").split(":")
            assert size == "10m"
            assert zone not in shared
            shared[zone] = (*rate, key)
    return list(upstreams.values()), servers


def take_maps(path):
    """The variables that the file makes, which go from it: crossplane takes their values for directives."""
    tokens, lines, found = list(crossplane.lex(str(path))), path.read_text(encoding="utf-8").split("\n"), {}
    words = [unescape(word) for word, _line, _quoted in tokens]
    for number in (number for number, word in enumerate(words) if word == "map" and words[number + 3] == "{"):
        source, name, *rest = words[number + 1 : number + 11]
        assert [*rest[:5], *rest[6:]] == ["{", "default", "", ";", "", ";", "}"], rest
        found[name] = ("unless", source, rest[5])
        for line in range(tokens[number][1] - 1, tokens[number + 10][1]):
            lines[line] = ""
    path.write_text("\n".join(lines), encoding="utf-8")
    return found


def content(statements, upstreams, shared):
    read = [directive(statement, upstreams, shared) for statement in statements]
    assert len(set(read)) == len(read), "a directive stands there twice"
    return frozenset(read)


def directive(statement, upstreams, shared):
    name, arguments = statement["directive"], tuple(unescape(argument) for argument in statement["args"])
    if "block" in statement:
        return name, arguments, content(statement["block"], upstreams, shared)
    if name == "proxy_pass":
        return name, upstreams[arguments[0].removeprefix("http://").removesuffix("$gatehouse_once")]
    if name == "add_header":
        return name, (arguments[0], shared.get(arguments[1], arguments[1]), *arguments[2:])
    if name == "proxy_cache":
        return name, (shared[arguments[0]],)
    if name in ("limit_req", "limit_conn"):
        return name, (*shared[arguments[0].removeprefix("zone=")], *arguments[1:])
    if name == "auth_basic_user_file":
        return name, (arguments[0].rpartition(".")[0],)
    if name == "listen":
        return name, listening(arguments[0]), *arguments[1:]
    return name, arguments


def unescape(argument):
    """crossplane leaves escapes as they are, except that of the quote; nginx knows these (ngx_conf_read_token)."""
    return re.sub(r"\\([\\'\"trn])", lambda match: {"t": "\t", "r": "\r", "n": "\n"}.get(match[1], match[1]), argument)
