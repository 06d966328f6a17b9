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
for name in ("frame", "frame.bare"): r = Reader(p[name]); r.kind(); r.frame(); checks += 1

def ticket_hash(ticket, subject, target, id): return H("ticket", ticket[0], subject, target, id, struct.pack("<Q", ticket[1]), bytes([ticket[2]]))
class Transcript:
    """All packets of a story, with the signatures, proofs and tickets in them."""
    def __init__(self, name):
        self.kinds, self.tickets, self.ids, self.hellos = set(), 0, {}, {}
        lines = [l.split(" = ") for l in (D / name).read_text().splitlines() if l and l[0] != "#"]
        lines = [(a.split(), bytes.fromhex(b)) for a, b in lines]
        self.keys = {a[0][7:]: Ed25519PrivateKey.from_private_bytes(b) for a, b in lines if a[0].startswith("secret.")}
        self.node = {a[0][5:]: b for a, b in lines if a[0].startswith("node.")}
        packets = [(a, b) for a, b in lines if a[0].isdigit()]
        for _, b in packets:
            r = Reader(b)
            if r.kind() == 3:
                for k, v in r.frame()[3]:
                    if k == 5: d = read_document(v[3]); self.ids[tag_of(d["id"])] = d["id"]
        for (_, who, connection, _), b in packets: self.packet(who, int(connection), b)
    def packet(self, who, connection, b):
        r = Reader(b); k, binding = r.kind(), bytes([connection]) * 32
        key = public(self.keys[who]); same("node", node_id(key), self.node[who])
        if k == 0:
            hello = hello_hash(binding, b[1:-64]); verify(key, b[-64:], hello)
            r.int(16); r.int(16); nonce = r.take(16); same("key", r.take(32), key); r.blob(600)
            tag, proof, kind = r.take(8), r.take(16), r.index(3)
            same("admission", proof, H("admission", self.ids[tag], nonce)[:16])
            self.hellos[connection] = [who, hello, nonce, tag, r.ticket() if kind == 1 else None, None]
        elif k == 1:
            caller, hello, nonce, tag, ticket, _ = self.hellos[connection]
            w = welcome_hash(hello, r.int(16), r.take(16), r.take(32)); verify(key, r.take(64), w)
            self.hellos[connection][1:3] = [w, session_of(w, nonce)]; self.hellos[connection][5] = who
            if ticket: self.ticket(ticket, self.node[caller], self.node[who], tag)
        elif k == 2: verify(key, r.take(64), H("confirm", binding, self.hellos[connection][1]))
        elif k == 3:
            for kind, v in r.frame()[3]:
                self.kinds.add(kind)
                if kind == 3 and v[3]:
                    # The receiver shows it to whom it names.
                    receiver = next(n for n in (self.hellos[connection][0], self.hellos[connection][5]) if n != who)
                    self.ticket(v[3], self.node[receiver], v[1], v[0])
                if kind == 1: same("open", v[1], H("open", self.ids[v[0]], self.hellos[connection][2])[:8])
        if k: r.end()
        global checks; checks += 1
    def ticket(self, ticket, subject, target, tag):
        introducer = next(k for k in self.keys.values() if node_id(public(k)) == ticket[0])
        verify(public(introducer), ticket[3], ticket_hash(ticket, subject, target, self.ids[tag])); self.tickets += 1
two, three = Transcript("transcript.txt"), Transcript("three.txt")
same("an introduction", 3 in three.kinds and three.tickets > 0, True); same("a reconciliation", 7 in two.kinds, True)
print(checks, "checks passed")
