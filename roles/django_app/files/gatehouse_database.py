"""Refuse a project that does not use the database that its inventory names."""

POSTGRESQL = "postg"  # of `postgresql` and `postgis`, also in the names of other packages' backends


def require(name, is_remote=False):
    """Raise ImproperlyConfigured unless DATABASES has PostgreSQL's database *name*, and its driver.

    It is a database of this host, or of another one (*is_remote*).
    """
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.db import connections

    alias = next((alias for alias, one in settings.DATABASES.items() if is_used(one, name, is_remote)), None)
    if alias is None:
        default = settings.DATABASES.get("default", {})
        read = "Read DATABASE_URL there, with dj-database-url or django-environ"
        # Without the URL, the project would have to know the generated password.
        entry = f"{{DATABASES: {{default: {{ENGINE: django.db.backends.postgresql, NAME: {name}}}}}}}"
        remedy = read if is_remote else f"{read}, or write in the app's entry: settings: {entry}"
        raise ImproperlyConfigured(
            f"the inventory says database: postgresql, but DATABASES in the project's settings does not use the "
            f"database '{name}' of {'the other' if is_remote else 'this'} host (ENGINE of default: "
            f"{default.get('ENGINE') or 'none'}). {remedy}"
        )
    # Imports the driver.
    connections[alias]


def is_used(database, name, is_remote=False):
    """Return whether an entry of DATABASES is PostgreSQL's database *name*, over the unix socket or on another host."""
    host = str(database.get("HOST") or "")
    is_engine = POSTGRESQL in str(database.get("ENGINE") or "").lower()
    is_socket = not host or host.startswith("/")
    return is_engine and str(database.get("NAME") or "") == name and is_socket is not is_remote
