"""Precompress static files for nginx: with gzip, and with brotli if the host has its command.

Compression at the highest level is slow, so no content is compressed twice: files with the same content share their
variants, and variants of the current release are reused.
"""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

COMPRESSED = {
    *(".css", ".js", ".mjs", ".json", ".map", ".svg", ".html", ".txt", ".xml", ".csv", ".md"),
    *(".ico", ".wasm", ".ttf", ".otf", ".eot", ".webmanifest"),
}
# For smaller files the headers of a response outweigh the gain.
MIN_BYTES = 1024


def compress(static, served):
    """Write compressed variants beside the files below *static*; *served* is that directory of the current release."""
    encodings = {".gz": pack_with_gzip}
    # The role installs brotli if nginx can send such files.
    if brotli := shutil.which("brotli", path=os.defpath):
        encodings[".br"] = lambda content: pack_with_brotli(brotli, content)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = [
            pool.submit(make_variants, files, suffix, pack, served / files[0].relative_to(static))
            for files in group_by_content(static)
            for suffix, pack in encodings.items()
        ]
        for variant in made:
            variant.result()


def group_by_content(static):
    """Return the files worth compressing, grouped by content."""
    found = {}
    for file in sorted(static.rglob("*")):
        if file.suffix in COMPRESSED and file.is_file() and file.stat().st_size > MIN_BYTES:
            found.setdefault(hashlib.sha256(file.read_bytes()).digest(), []).append(file)
    return found.values()


def make_variants(files, suffix, pack, before):
    """Write the variants of *files*, which have the same content; *before* is the first one in the current release."""
    content = files[0].read_bytes()
    packed = variant_of(before, content, suffix) or pack(content)
    if len(packed) >= len(content):
        return
    for file in files:
        target = file.with_name(file.name + suffix)
        target.write_bytes(packed)
        # nginx sends the modification time of the variant: a cache needs the same time for all variants.
        os.utime(target, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))


def variant_of(file, content, suffix):
    """Return the variant of *file*, if *file* has the same *content*."""
    variant = file.with_name(file.name + suffix)
    if file.is_file() and variant.is_file() and file.read_bytes() == content:
        return variant.read_bytes()
    return None


def pack_with_gzip(content):
    return gzip.compress(content, compresslevel=9, mtime=0)


def pack_with_brotli(brotli, content):
    return subprocess.run([brotli, "--best", "--stdout"], input=content, stdout=subprocess.PIPE, check=True).stdout


if __name__ == "__main__":
    compress(*map(Path, sys.argv[1:]))
