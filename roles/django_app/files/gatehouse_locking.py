"""Find out whether the text of a migration locks tables against visitors, and how its locks can be limited.

A text can have several statements, comments, and SET or BEGIN before the statement that locks.
"""

import re

# What is no code: comments, and quoted texts and names. Those with dollars have the bodies of functions.
OPAQUE = re.compile(r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$.*?\$\1\$""", re.DOTALL)
STATEMENT = re.compile(r"[^;]*[^;\s][^;]*")
# Statements that lock a table against its readers or writers, and that can run in a transaction.
LOCKING = re.compile(
    r"(?:ALTER|DROP)\s+(?:TABLE|INDEX|VIEW|MATERIALIZED\s+VIEW|TRIGGER|RULE|POLICY|SCHEMA)"
    r"|CREATE\s+(?:OR\s+REPLACE\s+)?(?:UNIQUE\s+|CONSTRAINT\s+)?(?:INDEX|TRIGGER|RULE|POLICY)"
    r"|TRUNCATE|LOCK|CLUSTER|REINDEX\s+(?:TABLE|INDEX)|REFRESH\s+MATERIALIZED\s+VIEW",
    re.IGNORECASE,
)
# Statements that begin or end a transaction, and some that cannot run in one or end one themselves.
BEGIN = re.compile(r"BEGIN|START\s+TRANSACTION", re.IGNORECASE)
END = re.compile(r"COMMIT|END", re.IGNORECASE)
ALONE = re.compile(r"ROLLBACK|ABORT|PREPARE\s+TRANSACTION|VACUUM|CALL|DO|(?:CREATE|DROP)\s+DATABASE", re.IGNORECASE)
CONCURRENTLY = re.compile(r"\bCONCURRENTLY\b", re.IGNORECASE)


def limitable(text, seconds):
    """Return how the locks of *text*, which runs outside of a transaction, can be limited to *seconds* each.

    A pair: a text, and whether it has a transaction of its own, which limits them itself; it has to be run in a
    transaction otherwise. None if no limit is needed or possible: without a lock against visitors, or with statements
    that are not undone together.
    """
    code = OPAQUE.sub(lambda found: re.sub(r"[^\n]", "_" if found[0][0] in "'\"$" else " ", found[0]), text)
    found = [(one[0].strip(), one.end()) for one in STATEMENT.finditer(code)]
    statements = [statement for statement, _end in found]
    if not any(map(_is(LOCKING), statements)) or CONCURRENTLY.search(code) or any(map(_is(ALONE), statements)):
        return None
    ends = [number for number, one in enumerate(statements) if _is(BEGIN)(one) or _is(END)(one)]
    if not ends:
        return text, False
    if ends != [0, len(found) - 1] or not _is(BEGIN)(statements[0]) or not _is(END)(statements[-1]):
        return None
    # SET LOCAL ends with the transaction: it is safe behind a pooler like PgBouncer.
    after = found[0][1]
    return f"{text[:after]}; SET LOCAL lock_timeout = '{seconds}s'{text[after:]}", True


def _is(pattern):
    return lambda statement: bool(re.match(rf"(?:{pattern.pattern})\b", statement, pattern.flags))
