"""Two implementations meet: `speak`, the example of the core, and node.py, which was written from
core/PROTOCOL.md alone.

    python3 interop/test_interop.py [PATH OF speak]

Without a path the example is built. Ends with 0 if all holds, 1 if not, 2 if something is missing.
"""
import pathlib, queue, subprocess, sys, threading, time

HERE = pathlib.Path(__file__).resolve().parent
try:
    import blake3, cryptography  # noqa: F401
except ImportError as missing:
    print(f"{missing.name} is missing: pip install -r interop/requirements.txt", file=sys.stderr)
    sys.exit(2)


class Program:
    """A program whose lines are read as they come."""

    def __init__(self, *command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.lines, self.seen = queue.Queue(), []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def until(self, words, seconds=10):
        """The first line with all these words; None if none comes in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                line = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                return None
            if line is None:
                return None
            self.seen.append(line)
            if all(word in line for word in words):
                return line
        return None

    def end(self, seconds=20):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
        while (line := self.lines.get()) is not None:
            self.seen.append(line)
        return self.seen


def speak_path():
    if len(sys.argv) > 1:
        return sys.argv[1]
    build = ["cargo", "build", "--release", "-p", "cliqueclique-core", "--example", "speak"]
    subprocess.run([*build, "--message-format=short"], cwd=HERE.parent, check=True)
    import json, os
    target = os.environ.get("CARGO_TARGET_DIR")
    if target is None:
        metadata = subprocess.run(
            ["cargo", "metadata", "--no-deps", "--format-version", "1"],
            cwd=HERE.parent, check=True, stdout=subprocess.PIPE)
        target = json.loads(metadata.stdout)["target_directory"]
    return str(pathlib.Path(target) / "release" / "examples" / "speak")


def meet(path, *options):
    """One meeting: what each side printed, and whether the forum's own comment was said."""
    speak = Program(path, "--create", "A forum", "--seconds", "12")
    address = speak.until(["address "]).split()[1]
    root = speak.until(["arrived "]).split()[1]
    node = Program(sys.executable, str(HERE / "node.py"), address, root,
                   "--say", "From Python", "--seconds", "7", *options)
    if node.until(["holds "], 5):
        speak.until(["From Python"], 5)
        speak.process.stdin.write(f"say {root} From Rust\n")
    return node.end(), speak.end()


def has(lines, *words):
    return any(all(word in line for word in words) for line in lines)


def main():
    path, failed = speak_path(), []

    def must(what, holds):
        print(("ok      " if holds else "FAILED  ") + what, flush=True)
        failed.extend([] if holds else [what])

    node, speak = meet(path)
    must("Python joins and holds the forum's root document", has(node, "holds "))
    must("its comment arrives at the other node", has(speak, "arrived", "From Python"))
    must("a comment of the other node is pushed to it", has(node, "comment", "From Rust"))
    must("all its frames are acknowledged", has(node, "all acknowledged"))
    must("nobody is blamed", not has(speak, "violation"))

    node, speak = meet(path, "--mistake", "signature")
    must("a comment with a bad signature does not arrive", not has(speak, "arrived", "From Python"))
    must("and is reported", has(speak, "violation"))
    node, speak = meet(path, "--mistake", "proof")
    must("who asks for a place without proof gets none", has(node, "closed"))
    must("and no comments", not has(node, "comment"))
    must("and is reported", has(speak, "violation"))
    if failed:
        print("--- Python", *node, "--- speak", *speak, sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
