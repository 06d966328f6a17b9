"""A hostile stranger at the door of `speak`: after each attack it must be refused, and after all of
them an honest node must still be let in.

    python3 interop/test_hostile.py [PATH OF speak]

Ends as test_interop.py does.
"""
import os, select, socket, struct, sys, time

import test_interop as interop
import node as ours
from node import H, Ed25519PrivateKey, hello_hash, public, session_of, tag_of, varint, welcome_hash

LONG = 5.0


class Stranger:
    """A raw channel to the trial port, greeted well unless told otherwise."""

    def __init__(self, address, greeting=b"cliqueq1"):
        host, port = address.rsplit(":", 1)
        self.s = socket.create_connection((host, int(port)), 10)
        mine = os.urandom(32)
        self.s.sendall(greeting + mine)
        theirs = b""
        while len(theirs) < 40:
            part = self.s.recv(40 - len(theirs))
            if not part:
                break
            theirs += part
        self.binding = H("trial", mine, theirs[8:])

    def packet(self, b):
        self.raw(struct.pack("<I", len(b)) + b)

    def raw(self, b):
        try:
            self.s.sendall(b)
        except OSError:
            pass  # It hung up already.

    def closed(self, seconds=LONG):
        """True if the other side hangs up in time and says nothing before."""
        self.s.settimeout(seconds)
        try:
            return self.s.recv(1) == b""
        except ConnectionResetError:
            return True
        except OSError:
            return False

    def read_packet(self, seconds=LONG):
        """A packet; None if none comes or the channel ends."""
        end, b = time.monotonic() + seconds, b""
        while len(b) < 4 or len(b) < 4 + int.from_bytes(b[:4], "little"):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.s], [], [], left)[0]:
                return None
            try:
                part = self.s.recv(4 if len(b) < 4 else 4 + int.from_bytes(b[:4], "little") - len(b))
            except OSError:
                return None
            if not part:
                return None
            b += part
        return b[4:]

    def frame_comes(self, seconds=LONG):
        """True if a frame comes in time; a Welcome may come again before."""
        while (packet := self.read_packet(seconds)) is not None:
            if packet[0] & 7 == 3:
                return True
        return False

    def ends(self, seconds=LONG):
        """True if the other side hangs up in time, whatever it says before."""
        end = time.monotonic() + seconds
        self.s.settimeout(seconds)
        try:
            while time.monotonic() < end:
                if not self.s.recv(65_536):
                    return True
        except ConnectionResetError:
            return True
        except OSError:
            pass
        return False

    def hello(self, root, versions=(1, 1), spoilt=False):
        """A Hello for this channel, as PROTOCOL.md has it."""
        secret, nonce = Ed25519PrivateKey.generate(), os.urandom(16)
        fields = varint(versions[0]) + varint(versions[1]) + nonce + public(secret) + varint(0) + tag_of(root)
        fields += H("admission", root, nonce)[:16] + b"\0"
        hashed = hello_hash(self.binding, fields)
        signature = secret.sign(bytes(32) if spoilt else hashed)
        return secret, nonce, hashed, b"\0" + fields + signature


def main():
    path, failed = interop.speak_path(), []

    def must(what, holds):
        print(("ok      " if holds else "FAILED  ") + what, flush=True)
        failed.extend([] if holds else [what])

    speak = interop.Program(path, "--create", "A forum", "--seconds", "120")
    address = speak.until(["address "]).split()[1]
    root = bytes.fromhex(speak.until(["arrived "]).split()[1])

    must("another greeting is hung up on", Stranger(address, b"GET / HT").closed())
    for length in [0, 16_385, 1 << 31, (1 << 32) - 1]:
        stranger = Stranger(address)
        stranger.raw(struct.pack("<I", length) + bytes(64))
        must(f"a length of {length} ends the channel", stranger.closed())

    stranger = Stranger(address)
    hello = stranger.hello(root)[3]
    stranger.raw(struct.pack("<I", len(hello)) + hello[:len(hello) // 2])
    stranger.s.shutdown(socket.SHUT_WR)
    must("a Hello that breaks off gets no answer", stranger.closed())
    prefixes = []
    for length in range(1, len(hello), 7):
        stranger = Stranger(address)
        stranger.packet(stranger.hello(root)[3][:length])
        prefixes.append(stranger)
    must("no beginning of a Hello is answered",
         all(stranger.read_packet(0.05) is None for stranger in prefixes))

    for versions in [(2, 2), (0, 0), (2, 1)]:
        stranger = Stranger(address)
        stranger.packet(stranger.hello(root, versions)[3])
        must(f"versions {versions[0]} to {versions[1]} are refused", stranger.closed())
    stranger = Stranger(address)
    stranger.packet(stranger.hello(root, (0, 9))[3])
    welcome = stranger.read_packet()
    must("of versions 0 to 9 version 1 is chosen", welcome is not None and welcome[:2] == b"\1\1")

    stranger = Stranger(address)
    stranger.packet(stranger.hello(root, spoilt=True)[3])
    must("a bad signature is refused", stranger.closed())
    stranger = Stranger(address)
    stranger.packet(stranger.hello(os.urandom(32))[3])
    must("a document that is not held is refused as silently", stranger.closed())

    # A whole handshake, recorded, and played again on other channels.
    first = Stranger(address)
    secret, nonce, hashed, recorded = first.hello(root)
    first.packet(recorded)
    r = ours.Reader(first.read_packet()); r.int()
    version, theirs, key = r.int(16), r.take(16), r.take(32)
    welcome = welcome_hash(hashed, version, theirs, key)
    confirm = b"\2" + secret.sign(H("confirm", first.binding, welcome))
    first.packet(confirm)
    must("a good handshake is answered by a frame", first.frame_comes())
    second = Stranger(address)
    second.packet(recorded)
    must("a recorded Hello is refused on another channel", second.closed())
    third = Stranger(address)
    third.packet(third.hello(root)[3])
    must("a new Hello on a third channel is welcomed", (third.read_packet() or b"?")[0] == 1)
    third.packet(confirm)
    must("a recorded Confirm makes no link", not third.frame_comes())

    # Frames, after a good handshake.
    first.packet(b"\3")
    first.packet(b"\xff" * 16_384)
    for _ in range(200):
        first.packet(os.urandom(64))
    must("a peer that sends junk is cut off", first.ends())

    honest = interop.Program(sys.executable, str(interop.HERE / "node.py"), address, root.hex(),
                             "--say", "Still here", "--seconds", "5")
    must("after all that an honest node joins", honest.until(["holds "], 10) is not None)
    must("and its comment arrives", speak.until(["arrived", "Still here"], 10) is not None)
    must("and speak runs on", speak.process.poll() is None)
    honest.end()
    speak.process.terminate()
    if failed:
        print("--- speak", *speak.end(), sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
