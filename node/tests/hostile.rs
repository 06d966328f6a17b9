//! Strangers at a real socket: junk, silence, endless bytes, many at once. Good peers are
//! served on, and memory stays bounded.

mod common;

use common::{Workspace, eventually};
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
/// More than the door takes at once; below usual limits of open files, this side's included.
const SILENT: usize = 700;
/// What a node may take in all, KiB, far below what unbounded strangers would cost.
const MOST_MEMORY: u64 = 100 * 1024;

/// Resident memory of a process, KiB.
fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    number.expect("a number")
}

#[test]
fn strangers_do_not_keep_good_peers_out() {
    let space = Workspace::new("hostile");
    let (a, b) = (space.node("a"), space.node("b"));
    let forum = a.say(&["forum", "new", "A forum"]);
    let invite = a.say(&["invite", &forum]);
    let place = invite.split("at=tcp:").nth(1).expect("a place");
    let place = place.split('/').next().expect("a place").to_owned();
    let connect = || TcpStream::connect(&place).expect("connected");
    // They stay open until the end.
    let silent: Vec<TcpStream> = (0..SILENT).map(|_| connect()).collect();
    let talkers: Vec<_> = (0..8_u8)
        .map(|seed| {
            let mut stream = connect();
            std::thread::spawn(move || {
                let junk: Vec<u8> = (0..=255).map(|byte: u8| byte.wrapping_mul(seed)).collect();
                // The node hangs up sooner or later.
                while stream.write_all(&junk).is_ok() {}
            })
        })
        .collect();
    b.run(&["join", &invite, "--wait", "60"]);
    talkers
        .into_iter()
        .for_each(|talker| talker.join().expect("was hung up on"));
    let hello = b.say(&["post", &forum, "Hello through the crowd"]);
    eventually("the comment at a", PATIENCE, || a.has(&hello));
    let taken = memory(a.pid());
    assert!(taken < MOST_MEMORY, "{taken} KiB");
    drop(silent);
}
