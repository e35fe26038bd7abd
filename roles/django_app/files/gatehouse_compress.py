"""Compresses static files for nginx to send: with gzip, and with brotli where the host has its command.

It tries hard, so nothing is done twice: files of the same content share their variants, and what the release that is
served has made of a file is taken over.
"""

import gzip
import hashlib
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

COMPRESSED = {
    *(".css", ".js", ".mjs", ".json", ".map", ".svg", ".html", ".txt", ".xml", ".csv", ".md"),
    *(".ico", ".wasm", ".ttf", ".otf", ".eot", ".webmanifest"),
}
# Below it the header of a response outweighs what is gained.
MIN_BYTES = 1024


def compress(static, served):
    """Put the variants of the files below *static* beside them; *served* is what the current release has."""
    encodings = {".gz": pack_with_gzip}
    # The role installs it where nginx has a use for it.
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
    """The files worth compressing; those of the same content together."""
    found = {}
    for file in sorted(static.rglob("*")):
        if file.suffix in COMPRESSED and file.is_file() and file.stat().st_size > MIN_BYTES:
            found.setdefault(hashlib.sha256(file.read_bytes()).digest(), []).append(file)
    return found.values()


def make_variants(files, suffix, pack, before):
    """The variants of *files*, which are all the same; *before* is the first of them in the release that is served."""
    content = files[0].read_bytes()
    packed = variant_of(before, content, suffix) or pack(content)
    if len(packed) >= len(content):
        return
    for file in files:
        target = file.with_name(file.name + suffix)
        target.write_bytes(packed)
        # nginx sends the date of the file that it reads: all variants are one thing to a cache.
        os.utime(target, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))


def variant_of(file, content, suffix):
    """The variant that *file* has, if *content* is its content still."""
    variant = file.with_name(file.name + suffix)
    if file.is_file() and variant.is_file() and file.read_bytes() == content:
        return variant.read_bytes()
    return None


def pack_with_gzip(content):
    return gzip.compress(content, compresslevel=9, mtime=0)


def pack_with_brotli(brotli, content):
    return subprocess.run([brotli, "--best", "--stdout"], input=content, stdout=subprocess.PIPE, check=True).stdout
