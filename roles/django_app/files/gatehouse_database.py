"""Refuse a project that does not use the database that its inventory names."""

POSTGRESQL = "postg"  # of `postgresql` and `postgis`, also in the names of other packages' backends


def require(name):
    """Raise ImproperlyConfigured unless DATABASES has PostgreSQL's database *name* of this host, and its driver."""
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.db import connections

    alias = next((alias for alias, one in settings.DATABASES.items() if is_used(one, name)), None)
    if alias is None:
        default = settings.DATABASES.get("default", {})
        raise ImproperlyConfigured(
            f"the inventory says database: postgresql, but DATABASES in the project's settings does not use the "
            f"database '{name}' of this host (ENGINE of default: {default.get('ENGINE') or 'none'}). "
            "Read DATABASE_URL there, with dj-database-url or django-environ, or write in the app's entry: settings: "
            f"{{DATABASES: {{default: {{ENGINE: django.db.backends.postgresql, NAME: {name}}}}}}}"
        )
    # Imports the driver.
    connections[alias]


def is_used(database, name):
    """Return whether an entry of DATABASES is PostgreSQL's database *name* over the unix socket."""
    host = str(database.get("HOST") or "")
    is_engine = POSTGRESQL in str(database.get("ENGINE") or "").lower()
    return is_engine and str(database.get("NAME") or "") == name and (not host or host.startswith("/"))
