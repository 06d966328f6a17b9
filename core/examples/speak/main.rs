//! One node that speaks the wire on TCP, so that another implementation can be tried
//! against this one (PROTOCOL.md, *Trial channel*). It keeps all in memory and listens on
//! 127.0.0.1 only.
//!
//! ```text
//! cargo run -p cliqueclique-core --example speak -- --create "A forum"
//! cargo run -p cliqueclique-core --example speak -- --join ID ADDRESS
//! ```
//!
//! It prints its node id, key and address, then what happens, one line each; it reads
//! commands from its input ([`text::COMMANDS`]). The end of its input does not end it.

#![allow(
    clippy::disallowed_methods,
    reason = "a runner reads clocks; the core does not"
)]

mod channel;
mod node;
mod text;

use channel::Event;
use node::{Node, Start};
use std::io::{BufRead, Write};
use std::sync::mpsc::Sender;
use std::time::Duration;

const USAGE: &str = "\
speak [--port N] [--secret HEX] [--create TEXT] [--join ID ADDRESS [--mode MODE]]
      [--seconds N] [--trace]

--port N         TCP port on 127.0.0.1 (0: any)
--secret HEX     secret key, 64 hex digits (else drawn; not for keys that matter)
--create TEXT    write a forum and follow it
--join ID ADDR   join a document's network at ADDR, as 127.0.0.1:4711
--mode MODE      how to join: hold, subscribe or follow (the default)
--seconds N      end after N seconds
--trace          print every packet, in hex and in words";

/// What the command line asks for.
#[derive(Default)]
struct Options {
    start: Start,
    lines: Vec<String>,
    seconds: Option<u64>,
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    let (mut join, mut mode) = (None, String::new());
    while let Some(name) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| format!("{name} needs a value"))
        };
        let number = |text: String| {
            text.parse::<u64>()
                .map_err(|_| format!("'{text}' is no number"))
        };
        match name.as_str() {
            "--port" => {
                let port = number(value()?)?;
                options.start.port =
                    u16::try_from(port).map_err(|_| format!("{port} is no port"))?;
            }
            "--secret" => options.start.secret = Some(text::unhex(&value()?)?),
            "--create" => options.lines.push(format!("create {}", value()?)),
            "--join" => join = Some(format!("join {} {}", value()?, value()?)),
            "--mode" => mode = value()?,
            "--seconds" => options.seconds = Some(number(value()?)?),
            "--trace" => options.start.trace = true,
            other => return Err(format!("'{other}' is no option")),
        }
    }
    let join = join.map(|line| format!("{line} {mode}"));
    options.lines.extend(join);
    Ok(options)
}

/// Reads lines from the input, on a thread of its own.
fn listen_to_user(events: Sender<Event>) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if !line.trim().is_empty() && events.send(Event::Line(line)).is_err() {
                return;
            }
        }
    });
}

fn print(line: String) {
    let mut out = std::io::stdout().lock();
    // Who closed our output does not want to read.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn main() -> std::process::ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!(
                "{error}\n\n{USAGE}\n\nCommands on the input:\n{}",
                text::COMMANDS
            );
            return std::process::ExitCode::from(2);
        }
    };
    let mut node = match Node::new(&options.start, Box::new(print)) {
        Ok(node) => node,
        Err(error) => {
            eprintln!("cannot start: {error}");
            return std::process::ExitCode::FAILURE;
        }
    };
    for line in &options.lines {
        node.command(line);
    }
    listen_to_user(node.events());
    node.run(options.seconds.map(Duration::from_secs));
    std::process::ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Instant;

    /// A node on a thread of its own: its lines in and out.
    struct Talker {
        says: Receiver<String>,
        hears: Sender<Event>,
    }

    impl Talker {
        fn start() -> Self {
            let (lines, says) = channel();
            let print = Box::new(move |line| drop(lines.send(line)));
            let mut node = Node::new(&Start::default(), print).expect("a free port");
            let hears = node.events();
            std::thread::spawn(move || node.run(Some(Duration::from_secs(60))));
            Self { says, hears }
        }

        fn tell(&self, line: &str) {
            self.hears.send(Event::Line(line.to_owned())).expect("runs");
        }

        /// Waits for a line that begins so.
        fn hear(&self, begin: &str) -> String {
            let end = Instant::now() + Duration::from_secs(30);
            loop {
                let left = end.saturating_duration_since(Instant::now());
                let line = self.says.recv_timeout(left).expect(begin);
                assert!(!line.starts_with("violation"), "{line}");
                if line.starts_with(begin) {
                    return line;
                }
            }
        }
    }

    fn word(line: &str, at: usize) -> &str {
        line.split(' ').nth(at).expect("a word")
    }

    #[test]
    fn two_nodes_talk_over_tcp() {
        let (alice, bob) = (Talker::start(), Talker::start());
        let address = alice.hear("address");
        alice.tell("create A forum");
        let forum = word(&alice.hear("arrived"), 1).to_owned();
        bob.tell(&format!("join {forum} {}", word(&address, 1)));
        assert!(bob.hear(&format!("arrived {forum}")).ends_with("A forum"));
        alice.tell(&format!("say {forum} Hello"));
        assert!(bob.hear("arrived").ends_with("Hello"));
        // A lost connection is made again, and what was said meanwhile arrives.
        bob.tell("cut");
        bob.tell(&format!("say {forum} {}", "long ".repeat(10_000)));
        assert!(alice.hear("arrived").contains(" author "));
        assert!(alice.hear("arrived").len() > 50_000);
        bob.tell("leave");
        bob.hear("stopped");
    }
}
