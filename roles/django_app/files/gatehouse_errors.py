"""Write the traceback of a failed request to standard error, unless the project's logging does.

By default, Django logs it to no console when DEBUG is false, and a project's LOGGING can send it elsewhere or disable
its logger. gunicorn's journal then shows nothing of a 500.
"""

import logging
import os
import sys
import traceback

STANDARD_STREAMS = {1, 2}


def report_errors():
    """Report each exception that Django turns into a 500, whatever the project's logging is."""
    from django.core.signals import got_request_exception

    got_request_exception.connect(report, dispatch_uid="gatehouse")


def report(request=None, **details):
    """Write the exception that is being handled. An exception here would replace the answer to the request."""
    try:
        if sys.exc_info()[1] is not None and not is_logged():
            # Like Django's own message: the path comes from the visitor.
            path = str(getattr(request, "path", "")).encode("unicode_escape").decode("ascii")
            # In one call: several workers and threads write to the same stream.
            sys.stderr.write(f"Internal Server Error: {path}\n{traceback.format_exc()}")
            sys.stderr.flush()
    except Exception:
        return


def is_logged():
    """Return whether the logger that Django uses for a 500 writes to a standard stream."""
    logger = logging.getLogger("django.request")
    if not logger.isEnabledFor(logging.ERROR):
        return False
    # Without any handler, Python itself writes to standard error.
    return not logger.hasHandlers() or any(writes(handler) for handler in handlers(logger))


def handlers(logger):
    """Yield the handlers that get a record of the logger."""
    while logger:
        yield from logger.handlers
        logger = logger.parent if logger.propagate else None


def writes(handler):
    """Return whether a handler writes an error to a standard stream."""
    stream = getattr(handler, "stream", None)
    return (
        isinstance(handler, logging.StreamHandler)
        and handler.level <= logging.ERROR
        and not any(is_for_debug_only(one) for one in handler.filters)
        and is_standard(stream)
    )


def is_for_debug_only(one):
    from django.conf import settings

    return type(one).__name__ == "RequireDebugTrue" and not settings.DEBUG


def is_standard(stream):
    try:
        number = stream.fileno()
    except (AttributeError, OSError, ValueError):
        return False
    # A stream can have a duplicate of the descriptor.
    return number in STANDARD_STREAMS or any(os.path.sameopenfile(number, one) for one in STANDARD_STREAMS)
