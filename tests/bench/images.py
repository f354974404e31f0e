#!/usr/bin/env python3
"""Writes a docker-archive of a wanted shape: images.py FILE ENTRIES LAYERS plain|sparse|gzip|zstd WHITEOUTS BYTES

`sparse` is plain to whoever reads it; of each file only the first block is written and the rest is a hole of the disk,
for images of more bytes than there is room for.

Deterministic. Files lie in packages of a few dozen, sizes are spread as in real images (most small, few large), a
twentieth of the files of upper layers rewrite files of the layers below, and whiteouts remove files of the first layer.
"""
import hashlib, io, json, os, subprocess, sys, tarfile, random

def header(name, size, kind=b"0", mode=0o644, mtime=1_700_000_000):
    info = tarfile.TarInfo(name)
    info.size, info.type, info.mode, info.mtime = size, kind, mode, mtime
    return info.tobuf(tarfile.GNU_FORMAT)

def main():
    path, entries, layers, packing, whiteouts, total = sys.argv[1], *map(int, sys.argv[2:4]), sys.argv[4], *map(int, sys.argv[5:7])
    dice = random.Random(f"{entries} {layers} {whiteouts} {total}")
    # Half noise, half text: it compresses to about half, as binaries do.
    noise = dice.randbytes(1 << 20)
    pool = b"".join(noise[at:at + 512] + b"the quick brown fox jumps over the lazy dog " * 12 for at in range(0, 1 << 20, 512))
    holes = memoryview(bytes(1 << 20))
    weight, sizes = 0.0, []
    for _ in range(entries):
        draw = dice.lognormvariate(7.5, 1.8)
        sizes.append(draw); weight += draw
    scale = total / weight
    per_layer = max(1, entries // layers)
    below, ids, names = [], [], []
    unfinished = path + ".tmp"
    with open(unfinished, "wb") as archive:
        for layer in range(layers):
            name = f"{layer}/layer.tar"
            start = archive.tell()
            archive.write(b"\0" * 512)
            pack = None
            if packing in ("plain", "sparse"):
                out = archive
            else:
                archive.flush()
                command = ["gzip", "-1", "-n"] if packing == "gzip" else ["zstd", "-q", "-1"]
                pack = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=archive)
                out = io.BufferedWriter(pack.stdin, 1 << 20)
            digest = hashlib.sha256()
            def put(data):
                digest.update(data)
                out.write(data)
            made, folder, rewritten = [], None, set()
            if layer == layers - 1:
                for number in range(whiteouts):
                    victim = below[number * 7 % len(below)] if below else f"gone/{number}"
                    parent, _, last = victim.rpartition("/")
                    put(header(f"{parent}/.wh.{last}", 0))
            for number in range(per_layer):
                full = below[dice.randrange(len(below))] if below and dice.random() < 0.05 else None
                # Docker loads no layer that has a path twice.
                if full is None or full in rewritten:
                    if number % 40 == 0 or folder is None:
                        folder = f"usr/lib/packages/p{layer:03}-{number // 40:06}"
                        put(header(folder + "/", 0, b"5", 0o755))
                    full = f"{folder}/module-{number % 40:02}-{dice.randrange(1 << 30):08x}.js"
                    if len(made) < 20000:
                        made.append(full)
                else:
                    rewritten.add(full)
                size = int(sizes[(layer * per_layer + number) % entries] * scale) + 1
                put(header(full, size))
                left, offset = size, dice.randrange(len(pool) // 2)
                if packing == "sparse" and left > 4096:
                    put(pool[offset:offset + 4096])
                    left -= 4096
                    archive.seek(left, 1)
                    while left:
                        part = holes[:left]
                        digest.update(part); left -= len(part)
                while left:
                    part = pool[offset:offset + left]
                    put(part); left -= len(part); offset = 0
                put(b"\0" * (-size % 512))
            put(b"\0" * 1024)
            below = below or made
            if pack:
                out.close(); pack.wait()
                archive.seek(0, 2)
            size = archive.tell() - start - 512
            archive.write(b"\0" * (-size % 512))
            archive.seek(start); archive.write(header(name, size)); archive.seek(0, 2)
            ids.append("sha256:" + digest.hexdigest()); names.append(name)
        created = "2023-11-14T22:13:20Z"
        history = [{"created": created, "created_by": f"RUN step {layer}"} for layer in range(layers)]
        config = json.dumps({"created": created, "os": "linux", "architecture": "amd64", "config": {}, "history": history,
                             "rootfs": {"type": "layers", "diff_ids": ids}}).encode()
        config_name = hashlib.sha256(config).hexdigest() + ".json"
        tag = os.path.basename(path).removesuffix(".tar").lower()
        manifest = json.dumps([{"Config": config_name, "RepoTags": [f"bench-{tag}:latest"], "Layers": names}]).encode()
        for name, data in [(config_name, config), ("manifest.json", manifest)]:
            archive.write(header(name, len(data)) + data + b"\0" * (-len(data) % 512))
        archive.write(b"\0" * 1024)
    os.rename(unfinished, path)

main()
