#!/usr/bin/env python3
"""Compares interop/node.py with the test vectors of the protocol."""
import pathlib
from node import *
D = pathlib.Path(__file__).parent.parent / "core/tests/vectors"
def load(name): return {a: bytes.fromhex(b) for a, b in (l.split(" = ") for l in (D / name).read_text().splitlines() if l and l[0] != "#" and "microseconds" not in l)}
n, p, m = map(load, ("names.txt", "packets.txt", "messages.txt"))
secret, other = (Ed25519PrivateKey.from_private_bytes(n[k]) for k in ("secret", "other.secret"))
d = read_document(n["document"])
binding = b"\3" * 32
hello = hello_hash(binding, p["hello.bootstrap"][1:-64])
welcome = welcome_hash(hello, 1, b"\x08" * 16, public(secret))
checks = 0
def same(name, got, want):
    global checks; checks += 1
    if got != want: sys.exit(f"{name}: {got!r} is not {want!r}")
same("key", public(secret), n["key"]); same("node", node_id(public(secret)), n["node"]); same("other", node_id(public(other)), n["other.node"])
same("id", d["id"], n["id"]); same("tag", tag_of(d["id"]), n["tag"])
same("document", make_document(secret, d["parents"], d["body"], 1700000000, d["flags"], d["children"]), n["document"])
same("hello", hello, n["hash.hello"]); same("welcome", welcome, n["hash.welcome"]); same("session", session_of(welcome, b"\4" * 16), n["session"])
for key in ("full", "succeeds"):
    r = Reader(m["state." + key]); _, (_, s) = r.message(); c = s[3]; s_ = "" if key == "full" else ".succeeds"
    h = H("claim", n["id"], bytes([c["rank"]]), struct.pack("<Q", c["seq"]), c["line"], struct.pack("<I", c["gen"]))
    same("claim" + s_, h, n["hash.claim" + s_]); verify(c["key"], c["sig"], h)
    line = c["line"] if c["gen"] else node_id(c["key"])
    same("root" + s_, H("root", bytes([c["rank"]]), line, struct.pack("<I", c["gen"]), node_id(c["key"]), struct.pack("<Q", c["seq"]))[:4], n["root.short" + s_])
same("mix", mix(n["tag"]).to_bytes(8, "little"), n["mix"])
for k in ("bootstrap", "introduced", "reunion"):
    b = p["hello." + k]; verify(public(other), b[-64:], hello_hash(binding, b[1:-64])); checks += 1
same("proof in Hello", H("admission", n["id"], b"\4" * 16)[:16] in p["hello.bootstrap"], True)
verify(public(secret), p["welcome"][-64:], welcome); verify(public(other), p["confirm"][1:], H("confirm", binding, welcome)); checks += 2
same("open", Reader(m["open.heal"]).message()[1][1], H("open", n["id"], n["session"])[:8])
for name, b in m.items(): r = Reader(b); r.message(); r.end(); checks += 1
for name in ("frame", "frame.bare"): r = Reader(p[name]); r.index(5); r.frame(); checks += 1
for line in (D / "transcript.txt").read_text().splitlines():
    if line and line[0].isdigit():
        r = Reader(bytes.fromhex(line.split(" = ")[1]))
        if r.index(5) == 3:
            for k, v in r.frame()[3]:
                if k == 5: read_document(v[3])
        checks += 1
print(checks, "checks passed")
