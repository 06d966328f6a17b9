#!/usr/bin/env python3
"""A minimal second node, written from core/PROTOCOL.md alone. Trial channel only.

It joins one document, subscribes, prints what it receives and says one comment.
"""
import argparse, os, select, socket, struct, sys, time
try:
    from blake3 import blake3
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
except ImportError as e:
    sys.exit(f"{e}. Install: pip install -r interop/requirements.txt")

def H(domain, *parts): return blake3(b"cliqueclique/1/" + domain.encode() + b"\0" + b"".join(parts)).digest()
def node_id(key): return H("node", key)[:16]
def tag_of(id): return H("tag", id)[:8]
def hello_hash(binding, fields): return H("hello", binding, fields)
def welcome_hash(hello, version, nonce, key): return H("welcome", hello, struct.pack("<H", version), nonce, key)
def session_of(welcome, nonce): return H("session", welcome, nonce)
def mix(tag):
    m = (1 << 64) - 1
    x = (int.from_bytes(tag, "little") + 0x9e3779b97f4a7c15) & m
    x = ((x ^ x >> 30) * 0xbf58476d1ce4e5b9) & m
    x = ((x ^ x >> 27) * 0x94d049bb133111eb) & m
    return x ^ x >> 31
def digest(tags): return varint(len(tags)) + varint(sum(map(mix, tags)) % (1 << 64))
def varint(n):
    out = b""
    while n > 127: out += bytes([n & 127 | 128]); n >>= 7
    return out + bytes([n])
def public(secret): return secret.public_key().public_bytes_raw()
def verify(key, signature, data): Ed25519PublicKey.from_public_bytes(key).verify(signature, data)

class Malformed(Exception): pass
class Reader:
    def __init__(self, b): self.b, self.at = b, 0
    def take(self, n):
        if n > len(self.b) - self.at: raise Malformed("too short")
        self.at += n
        return self.b[self.at - n:self.at]
    def u8(self): return self.take(1)[0]
    def bool(self):
        b = self.u8()
        if b > 1: raise Malformed("bool")
        return b
    def int(self, bits=32):
        n = 0
        for i in range((bits + 6) // 7):
            b = self.u8(); n |= (b & 127) << 7 * i
            if b < 128:
                if n >> bits: raise Malformed("number")
                return n
        raise Malformed("number")
    def index(self, n):
        i = self.int()
        if i >= n: raise Malformed("index")
        return i
    def count(self, most):
        n = self.int()
        if n > most: raise Malformed("limit")
        return n
    def blob(self, most): return self.take(self.count(most))
    def end(self):
        if self.at != len(self.b): raise Malformed("left over")
    def tags(self): return [self.take(8) for _ in range(self.count(512))]
    def ticket(self): return self.take(16), self.int(64), self.bool(), self.take(64)
    def claim(self):
        c = dict(rank=self.index(5), key=self.take(32), line=bytes(16), gen=0)
        if self.bool():
            c.update(line=self.take(16), gen=self.int())
            if not c["gen"]: raise Malformed("generation")
        c.update(seq=self.int(64), sig=self.take(64))
        return c
    def state(self):
        flags, distance, kind = self.u8(), self.int(16), self.index(4)
        return flags, distance, kind, self.take(4) if kind == 1 else self.claim() if kind == 2 else None
    def digest(self): return self.int(), self.int(64)
    def ranges(self):
        out = []
        for _ in range(self.count(512)):
            start, kind = self.take(8), self.index(3)
            out.append((start, kind, self.digest() if kind == 1 else (self.tags(), self.bool()) if kind == 2 else None))
        return out
    def message(self):
        k = self.index(17)
        if k == 0: v = self.take(8), self.state()
        elif k == 1: v = self.take(8), self.take(8), self.state(), self.ticket() if self.bool() else None, self.bool()
        elif k == 2:
            t, reason = self.take(8), self.index(6)
            v = t, reason, self.take(16) if reason == 3 else None
        elif k == 3: v = self.take(8), self.take(16), self.blob(600), self.ticket() if self.bool() else None, self.index(6)
        elif k == 4: v = self.take(8), self.index(6)
        elif k == 5: v = self.take(8), self.state() if self.bool() else None, self.bool(), self.blob(131072)
        elif k == 6: v = self.take(8), self.digest()
        elif k == 7: v = self.take(8), self.ranges()
        elif k in (8, 9): v = self.take(8), self.tags()
        elif k == 10: v = self.int(), self.int(), self.count(132096), self.blob(132096)
        elif k == 12: v = (self.blob(600),)
        elif k in (13, 16): v = (self.ranges(),)
        elif k == 14: v = self.take(8), self.take(4), self.bool()
        elif k == 15: v = self.take(8), self.digest()
        else: v = ()
        return k, v
    def kind(self):
        """Kind of packet; a frame's first byte tells more."""
        self.head = self.u8()
        if self.head & 7 > 4 or (self.head & 7 != 3 and self.head > 7): raise Malformed("packet")
        return self.head & 7
    def frame(self):
        ranges, messages, number = self.head >> 3 & 3, self.head >> 6, self.int()
        acks = []
        for _ in range(self.count(32) if ranges == 3 else min(ranges, 1)):
            first = self.int(); acks.append((first, first + (self.int() if ranges > 1 else 0)))
        credit = self.u8() if self.head & 32 else 255
        n = self.count(4096) if messages == 2 else messages
        shortest = ranges == (3 if len(acks) > 1 else len(acks) and 1 + (acks[0][0] != acks[0][1]))
        if messages == 3 or (messages == 2 and n < 2) or (self.head & 32 and credit == 255) or not shortest: raise Malformed("frame")
        if any(b >> 32 for _, b in acks) or (n and not number): raise Malformed("frame")
        out = number, acks, credit, [self.message() for _ in range(n)]
        self.end()
        return out

def make_document(secret, parents, body, created, flags=1, children=()):
    b = struct.pack("<BB32sQB", 1, flags, public(secret), created, len(parents)) + b"".join(parents)
    b += bytes([len(children)]) + b"".join(children) + struct.pack("<I", len(body)) + body
    return b + secret.sign(b)
def read_document(b):
    """Verifies too."""
    if len(b) > 131072: raise Malformed("document")
    r = Reader(b)
    version, flags, author, created = r.u8(), r.u8(), r.take(32), r.take(8)
    lists = []
    for _ in range(2):
        n = r.u8()
        if n > 8: raise Malformed("relatives")
        lists.append([r.take(32) for _ in range(n)])
    if version != 1 or flags > 1 or len(set(sum(lists, []))) != len(sum(lists, [])): raise Malformed("document")
    body = r.take(int.from_bytes(r.take(4), "little"))
    verify(author, r.take(64), b[:-64]); r.end()
    return dict(id=H("document", b), flags=flags, author=author, parents=lists[0], children=lists[1], body=body)

class Node:
    def __init__(self, address, root, secret, bad=None):
        self.root, self.tag, self.secret, self.bad = root, tag_of(root), secret, bad
        self.docs, self.comments, self.neighbours = {}, {}, set()
        self.sent, self.flight, self.seen, self.acks = 0, {}, set(), set()
        self.early_acks = {}; self.rto = 3.0; self.wholes = {}; self.transfer = 0; self.said = None; self.accepted = False
        host, port = address.rsplit(":", 1)
        if host != "127.0.0.1": sys.exit("the trial channel is for 127.0.0.1 only")
        self.s = socket.create_connection((host, int(port)), 10); self.buf = b""
        mine = os.urandom(32); self.s.sendall(b"cliqueq1" + mine)
        theirs = self.read_exactly(40)
        if theirs[:8] != b"cliqueq1": raise Malformed("channel")
        self.binding = H("trial", mine, theirs[8:])
        self.handshake()
    def read_exactly(self, n):
        while len(self.buf) < n:
            d = self.s.recv(65536)
            if not d: raise ConnectionError("channel closed")
            self.buf += d
        out, self.buf = self.buf[:n], self.buf[n:]
        return out
    def read_packet(self):
        n = int.from_bytes(self.read_exactly(4), "little")
        if not 1 <= n <= 16384: raise Malformed("length")
        return self.read_exactly(n)
    def packet(self, b): self.s.sendall(struct.pack("<I", len(b)) + b)
    def handshake(self):
        nonce = os.urandom(16)
        fields = varint(1) * 2 + nonce + public(self.secret) + varint(0) + self.tag
        fields += H("admission", self.root, nonce)[:16] + b"\0"
        hello = hello_hash(self.binding, fields)
        self.packet(b"\0" + fields + self.secret.sign(hello))
        r = Reader(self.read_packet())
        if r.int() != 1: raise Malformed("no Welcome")
        version, wn, self.key, sig = r.int(16), r.take(16), r.take(32), r.take(64); r.end()
        w = welcome_hash(hello, version, wn, self.key)
        verify(self.key, sig, w)
        if version != 1: raise Malformed("version")
        self.session = session_of(w, nonce)
        self.packet(b"\2" + self.secret.sign(H("confirm", self.binding, w)))
        print("linked", node_id(self.key).hex(), flush=True)
        proof = H("open", self.root, self.session)[:8]
        if self.bad == "proof": proof = bytes(8)
        self.send(b"\x0f" + os.urandom(8) + digest([]),
                  b"\1" + self.tag + proof + b"\1\0\3\0\0", b"\x08" + self.tag + b"\1" + self.tag)
    def frame(self, number, messages):
        a = sorted(self.acks, reverse=True)[:3 if messages else 32]
        self.acks -= set(a)
        acks, many = min(len(a), 1) if len(a) < 2 else 3, min(len(messages), 2)
        b = bytes([3 | acks << 3 | many << 6]) + varint(number) + (varint(len(a)) if acks == 3 else b"")
        b += b"".join(varint(n) + (b"\0" if acks == 3 else b"") for n in a)
        return b + (varint(len(messages)) if many == 2 else b"") + b"".join(messages)
    def send(self, *messages):
        for m in messages:
            if len(m) > 15000:
                self.transfer += 1
                for at in range(0, len(m), 8192):
                    p = m[at:at + 8192]
                    self.send(b"\x0a" + varint(self.transfer) + varint(at) + varint(len(m)) + varint(len(p)) + p)
                continue
            self.sent += 1
            self.flight[self.sent] = [time.monotonic(), 0, [m]]
            self.packet(self.frame(self.sent, [m]))
    def my_state(self): return b"\x11\1\0"  # subscribe, you are my upstream; distance 1, Author
    def on_frame(self, number, acks, credit, messages):
        if messages:
            self.acks.add(number)
            if number not in self.seen:
                self.seen.add(number)
                for m in messages: self.on_message(*m)
        self.early_acks.setdefault(number, []).extend(acks)
        have = 0
        while have + 1 in self.seen: have += 1
        for n in sorted(self.early_acks):  # Order
            if n > have: break
            for a, b in self.early_acks.pop(n):
                if b > self.sent: print("BadAck", flush=True); continue
                for k in range(a, b + 1): self.flight.pop(k, None)
    def on_message(self, k, v):
        t = v[0] if v else None
        if k == 5: self.on_push(*v)
        elif k == 0 and t == self.tag:
            self.neighbours.add(t)
            if not self.accepted: self.accepted = True; print("joined", self.root.hex(), flush=True)
            self.told = v[1]; self.settle()
        elif k == 0 and t in map(tag_of, self.docs): self.neighbours.add(t)
        elif k == 0 or k == 1: self.send(b"\2" + t + (b"\1" if k == 0 else b"\2"))
        elif k == 2: self.neighbours.discard(t); print("closed", t.hex(), v[1], flush=True)
        elif k == 6 and t == self.tag and v[1] != Reader(digest(self.comments)).digest():
            self.send(b"\7" + self.tag + self.answer([(bytes(8), 1, v[1])], self.comments)[0])
        elif k == 6: self.send(b"\6" + t + digest(self.comments if t == self.tag else []))
        elif k == 7 and t == self.tag:
            reply, want, give = self.answer(v[1], self.comments)
            if want: self.send(b"\x08" + t + varint(len(want)) + b"".join(want))
            for x in give: self.push(self.comments[x], False)
            if reply: self.send(b"\7" + t + reply)
        elif k == 8:
            lack = []
            for x in v[1]:
                d = next((d for d in self.docs if tag_of(d) == x), None)
                self.push(d, False, t) if d else lack.append(x)
            if lack: self.send(b"\x09" + t + varint(len(lack)) + b"".join(lack))
        elif k == 10:
            tr, off, total, b = v
            w = self.wholes.setdefault(tr, {}); w[off] = b
            if sum(map(len, w.values())) == total:
                r = Reader(b"".join(w[o] for o in sorted(w))); del self.wholes[tr]
                m = r.message(); r.end(); self.on_message(*m)
        elif k in (13, 16):
            reply, _, _ = self.answer(v[0], self.neighbours if k == 13 else [])
            if reply: self.send(bytes([k]) + reply)
    def answer(self, ranges, tags):
        """Rule Reconcile, without splitting: at most 512 tags."""
        out, want, give, only_skips = [], [], [], True
        for i, (start, kind, v) in enumerate(ranges):
            end = ranges[i + 1][0] if i + 1 < len(ranges) else None
            ours = sorted(x for x in tags if x >= start and (end is None or x < end))[:512]
            if kind == 1 and v != Reader(digest(ours)).digest():
                only_skips = False
                out.append(start + b"\2" + varint(len(ours)) + b"".join(ours) + (b"\1" if v[0] else b"\0"))
                continue
            if kind == 2:
                want += [x for x in v[0] if x not in ours]
                if v[1]: give += [x for x in ours if x not in v[0]]
            out.append(start + b"\0")
        return b"" if only_skips else varint(len(out)) + b"".join(out), want, give
    def settle(self):
        if self.root in self.docs and self.accepted:
            if self.told[2] == 0: self.send(b"\0" + self.tag + self.my_state())
            else: print("overlay root is not the author: not supported", flush=True)
    def on_push(self, via, edge, fresh, b):
        try: d = read_document(b)
        except Exception: print("refused a document", flush=True); return
        if d["id"] in self.docs: return
        if d["id"] != self.root and not (via == self.tag and self.root in d["parents"]):
            if edge: self.send(b"\2" + tag_of(d["id"]) + b"\4")
            return
        self.docs[d["id"]] = b
        if d["id"] == self.root: print("holds", self.root.hex(), flush=True); self.settle(); return
        t = tag_of(d["id"]); self.comments[t] = d["id"]
        print("comment", d["id"].hex(), d["body"].decode("utf8", "replace"), flush=True)
        if edge:
            self.neighbours.add(t)
            if not edge[0] & 64 and edge[2] == 0: self.send(b"\0" + t + b"\x10\1\0")
    def push(self, id, fresh, via=None):
        self.send(b"\5" + (via or self.tag) + b"\0" + bytes([fresh]) + varint(len(self.docs[id])) + self.docs[id]) if not fresh else \
        self.send(b"\5" + self.tag + b"\1\x41\0\0\1" + varint(len(self.docs[id])) + self.docs[id])
    def say(self, text):
        b = make_document(self.secret, [self.root], text.encode(), int(time.time()))
        if self.bad == "signature": b = b[:-1] + bytes([b[-1] ^ 1])
        id = H("document", b); self.docs[id] = b; self.comments[tag_of(id)] = id; self.neighbours.add(tag_of(id))
        self.push(id, True); print("said", id.hex(), flush=True)
    def run(self, seconds, text):
        until = time.monotonic() + seconds; said = False
        while time.monotonic() < until:
            while len(self.buf) >= 4 and len(self.buf) >= 4 + int.from_bytes(self.buf[:4], "little"):
                r = Reader(self.read_packet()); k = r.kind()
                if k == 3: self.on_frame(*r.frame())
                elif k == 4: return
            if self.acks: self.packet(self.frame(self.sent, []))
            if text and not said and self.accepted and self.root in self.docs: said = True; self.say(text)
            for n, f in list(self.flight.items())[:8]:
                if time.monotonic() - f[0] > self.rto * 2 ** min(f[1], 6):
                    f[0] = time.monotonic(); f[1] += 1
                    self.packet(b"\3" + varint(n) + b"\0\x80" + varint(len(f[2])) + b"".join(f[2]))
            if select.select([self.s], [], [], .05)[0]:
                d = self.s.recv(65536)
                if not d: print("channel closed", flush=True); return
                self.buf += d
        if not self.flight: print("all acknowledged", flush=True)
        self.packet(b"\4")

if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("address"); p.add_argument("id"); p.add_argument("--say"); p.add_argument("--seconds", type=float, default=8)
    p.add_argument("--mistake", choices=["proof", "signature"], help="to see that the test can fail")
    a = p.parse_args()
    Node(a.address, bytes.fromhex(a.id), Ed25519PrivateKey.generate(), a.mistake).run(a.seconds, a.say)
