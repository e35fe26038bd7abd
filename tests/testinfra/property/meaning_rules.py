"""What the rules of a site and its locations mean in nginx's terms, worked out by walking up the path."""

CLIENT = "$gatehouse_client"
ACCESS = ("allow", "deny", "basic_auth")


def inherited(site, location, option):
    """The value of an option and the path that sets it; the site's path is empty."""
    socket = option == "proxy_read_timeout" and inherited(site, location, "websocket")[0]

    def counts(owner):
        return not socket or inherited(site, owner, "websocket")[0]

    if location[option] is not None and counts(location):
        return location[option], location["path"]
    base = location["path"].rstrip("/")
    while base:
        base = base.rpartition("/")[0]
        above = [other for other in site["locations"] if other["path"].rstrip("/") == base and encloses(other)]
        for other in sorted(above, key=lambda other: -len(other["path"])):
            if other is not location and other[option] is not None and counts(other):
                return other[option], other["path"]
    return (site[option] if not socket or site["websocket"] else None), ""


def encloses(location):
    """Neither a single file nor what only the application sends leads any further."""
    return not location["internal"] and not (location["alias"] and not location["path"].endswith("/"))


def access(site, allow, deny, users):
    found = [("deny", (network,)) for network in deny[0] or [] if network != "all" or not allow[0]]
    found += [("allow", (network,)) for network in allow[0] or []]
    if allow[0]:
        found.append(("deny", ("all",)))
    if users[0]:
        found.append(("auth_basic", (f"{site['name']} {users[1]}".strip(),)))
        found.append(("auth_basic_user_file", (f"/etc/nginx/gatehouse/live/passwords/{site['name']}",)))
        if len(found) > 2:
            found.append(("satisfy", ("all",)))
    return found


def of_site(site):
    return access(site, *((site[option], "") for option in ACCESS))


def of_location(site, location):
    """Nothing where the server's hold."""
    server = of_site(site)
    here = [] if location["internal"] else access(site, *(inherited(site, location, option) for option in ACCESS))
    if here == server:
        return []
    networks, users = ({"allow", "deny"}, {"auth_basic"})
    has = [{name for name, _arguments in directives} for directives in (server, here)]
    ends = [("allow", ("all",))] if has[0] & networks and not has[1] & networks else []
    ends += [("auth_basic", ("off",))] if has[0] & users and not has[1] & users else []
    return [*ends, *here]


def of_application(site, location):
    """Limits, sizes and timeouts of a proxied location."""
    value = {option: inherited(site, location, option)[0] for option in ("rate", "burst", "websocket", "connections")}
    found = []
    if value["rate"] not in (None, "off"):
        number, period = int(value["rate"].partition("r")[0]), {"s": 1, "m": 60}[value["rate"][-1]]
        burst = number if value["burst"] is None else value["burst"]
        words = (f"burst={burst}",) if burst else ()
        found.append(("limit_req", (f"rate={value['rate']}", CLIENT, *words, "nodelay")))
        found.append(("limit_req_status", ("429",)))
        found.append(("set", ("$gatehouse_retry_after", str(-(-period // number)))))
    if value["connections"]:
        found += [("limit_conn", (CLIENT, str(value["connections"]))), ("limit_conn_status", ("429",))]
    kept = inherited(site, location, "page_cache")[0]
    if kept not in (None, "off") and not value["websocket"] and inherited(site, location, "buffering")[0] is not False:
        found.append(("proxy_cache", (f"/var/lib/nginx/gatehouse-pages-{site['name']}",)))
        key = "$scheme $request_method $host$gatehouse_port$request_uri $uri$is_args$args"
        found.append(("proxy_cache_key", (key,)))
        found.append(("proxy_cache_valid", ("200", "301", "404", kept)))
        found.append(("include", ("/etc/nginx/gatehouse/live/page_cache.conf",)))
        found.append(("add_header", ("X-Cache", "$upstream_cache_status", "always")))
    size = inherited(site, location, "client_max_body_size")[0]
    if size != site["client_max_body_size"]:
        found.append(("client_max_body_size", (size,)))
    times = {f"proxy_{what}_timeout": None for what in ("connect", "send", "read")}
    times = {option: inherited(site, location, option)[0] for option in times}
    if value["websocket"] and times["proxy_read_timeout"] is None:
        times["proxy_read_timeout"] = "1h"
    if inherited(site, location, "buffering")[0] is False:
        found += [("proxy_buffering", ("off",)), ("proxy_request_buffering", ("off",))]
    return found + [(option, (given,)) for option, given in times.items() if given is not None]


def password(site, location):
    """The application gets no password that nginx asks for."""
    asked = inherited(site, location, "basic_auth")[0]
    if location["internal"]:
        asked = asked or any(owner["basic_auth"] for owner in [site, *site["locations"]])
    return [("proxy_set_header", ("Authorization", ""))] if asked else []


def guard(path):
    """A request is refused whose path to the application has an empty component where this path has none."""
    if path == "/":
        return []
    slash, more = "(?:/|%2f)", path.strip("/").count("/")
    pattern = f"^(?:{slash}(?:(?!%2f)[^/?#])+){{0,{more}}}{slash}{{2}}"
    return [("if", ("$request_uri", "~*", pattern), frozenset([("rewrite", ("^", "/gatehouse-bad-request", "last"))]))]
