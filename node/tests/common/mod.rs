//! Nodes as processes, for tests: each with a folder of its own, ended with the test.

#![allow(dead_code, reason = "not every test needs everything")]
#![allow(
    clippy::disallowed_methods,
    reason = "a test of real processes waits in real time"
)]

pub(crate) mod browser;

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder for one test, removed when the test passes.
pub(crate) struct Workspace {
    folder: PathBuf,
}

impl Workspace {
    /// An empty folder; its path is short, since a socket's may have 100 bytes.
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("clq-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self { folder }
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// A new node that runs.
    pub(crate) fn node(&self, name: &str) -> Node {
        let mut node = self.asleep(name, &["init", "--listen", "tcp"]);
        node.start();
        node
    }

    /// A new node that does not run yet, made by a command.
    pub(crate) fn asleep(&self, name: &str, init: &[&str]) -> Node {
        let node = Node {
            folder: self.folder.join(name),
            process: None,
        };
        node.run(init);
        node
    }

    /// A new node on I2P that does not run yet; its router's SAM bridge is at this port.
    pub(crate) fn over_i2p(&self, name: &str, transport: &str, port: u16) -> Node {
        let node = self.asleep(name, &["init"]);
        node.edit(
            "transport = \"auto\"",
            &format!("transport = \"{transport}\""),
        );
        node.edit("# sam-port = 7656", &format!("sam-port = {port}"));
        node.edit("# hops = 3", "hops = 1");
        node
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// One data folder, and the process that runs on it.
pub(crate) struct Node {
    pub(crate) folder: PathBuf,
    process: Option<Child>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cliqueclique"));
    command.arg("--data").arg(folder).args(arguments);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end().to_owned()
}

impl Node {
    /// A folder that is not made yet.
    pub(crate) fn at(folder: &str) -> Self {
        Self {
            folder: PathBuf::from(folder),
            process: None,
        }
    }

    /// Changes a part of its settings, which must be there.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let path = self.folder.join("settings.toml");
        let text = std::fs::read_to_string(&path).expect("settings");
        assert!(text.contains(from), "{from} in {text}");
        std::fs::write(&path, text.replace(from, to)).expect("written");
    }

    /// Starts the process and waits until it answers.
    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    /// As `start`, with arguments.
    pub(crate) fn start_with(&mut self, arguments: &[&str]) {
        let mut run = command(&self.folder, &["run"]);
        run.args(arguments);
        self.start_by(run);
    }

    /// As `start`, in a shell that does something before, such as setting limits.
    pub(crate) fn start_after(&mut self, first: &str) {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{first}; exec \"$0\" \"$@\"")]);
        shell.args([env!("CARGO_BIN_EXE_cliqueclique"), "--data"]);
        shell.arg(&self.folder).arg("run");
        self.start_by(shell);
    }

    fn start_by(&mut self, mut run: Command) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .expect("a log");
        let mut process = run
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("started");
        let mut line = String::new();
        let out = process.stdout.take().expect("an output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        self.process = Some(process);
        let log = || std::fs::read_to_string(self.folder.join("log"));
        assert!(line.contains("is at"), "{line} {:?}", log());
    }

    /// Process id.
    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().expect("runs").id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(status.expect("kill runs").success());
    }

    /// What it wrote on its error output in all its runs.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("killed");
            process.wait().expect("gone");
        }
    }

    /// Asks it to stop, and waits for that.
    pub(crate) fn stop(&mut self) {
        self.run(&["stop"]);
        assert_eq!(self.ends(), Some(0));
    }

    /// Waits until it ends by itself; gives its exit code.
    pub(crate) fn ends(&mut self) -> Option<i32> {
        let mut process = self.process.take().expect("runs");
        let end = Instant::now() + Duration::from_secs(20);
        while process.try_wait().expect("asked").is_none() {
            assert!(Instant::now() < end, "it does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
        process.wait().expect("gone").code()
    }

    /// Runs a command to its end.
    pub(crate) fn output(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = command(&self.folder, arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        // A command that fails early does not read it.
        let _ = child
            .stdin
            .take()
            .expect("an input")
            .write_all(input.as_bytes());
        child.wait_with_output().expect("ended")
    }

    /// Runs a command that must succeed; gives its lines.
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.output(arguments, "");
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        assert!(
            output.status.success(),
            "{arguments:?}: {} {log}",
            text(&output.stderr)
        );
        (0, text(&output.stdout))
    }

    /// Runs a command that may fail: its output, if it did not.
    pub(crate) fn try_run(&self, arguments: &[&str]) -> Option<String> {
        let output = self.output(arguments, "");
        output.status.success().then(|| text(&output.stdout))
    }

    /// Runs a command; gives the first word that it prints, such as an id.
    pub(crate) fn say(&self, arguments: &[&str]) -> String {
        let (_, out) = self.run(arguments);
        out.split_whitespace().next().unwrap_or_default().to_owned()
    }

    /// Runs a command with --json.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        let (_, out) = self.run(&all);
        serde_json::from_str(&out).expect("JSON")
    }

    /// Runs a command that must fail with a code and words.
    pub(crate) fn fails(&self, arguments: &[&str], code: i32, part: &str) {
        self.fails_with_input(arguments, "", code, part);
    }

    /// As `fails`.
    pub(crate) fn fails_with_input(&self, arguments: &[&str], input: &str, code: i32, part: &str) {
        let output = self.output(arguments, input);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert!(error.contains(part), "{arguments:?}: {error}");
    }

    /// Joins a document at another node, and waits for it.
    pub(crate) fn join(&self, other: &Self, document: &str) {
        let invite = other.say(&["invite", document]);
        self.run(&["join", &invite, "--wait", "60"]);
    }

    /// True if it holds a document.
    pub(crate) fn has(&self, document: &str) -> bool {
        let output = self.output(&["read", document, "--peek"], "");
        output.status.success()
    }

    /// Ids of a document and all below it, sorted.
    pub(crate) fn thread(&self, document: &str) -> Vec<String> {
        let entries = self.json(&["list", document, "--most", "1000000"]);
        let entries = entries.as_array().expect("a list");
        let id = |entry: &Value| entry["id"].as_str().expect("an id").to_owned();
        let mut ids: Vec<String> = entries.iter().map(id).collect();
        ids.sort();
        ids
    }
}

/// Waits until something holds.
pub(crate) fn eventually(what: &str, patience: Duration, holds: impl Fn() -> bool) {
    let end = Instant::now() + patience;
    while !holds() {
        assert!(Instant::now() < end, "not within {patience:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
