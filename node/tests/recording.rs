//! What a node records can be played to a core that knows nothing of the node.

mod common;

use cliqueclique_core::journal::{MAGIC, Player, decode};
use common::{Workspace, eventually};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// Plays all whole entries; gives the number of inputs.
fn play(path: &str) -> u64 {
    let bytes = std::fs::read(path).expect("a recording");
    let mut rest = bytes.strip_prefix(MAGIC).expect("a recording");
    let mut player = Player::default();
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = usize::try_from(u32::from_le_bytes(*length)).expect("small");
        let Some((body, after)) = after.split_at_checked(length) else {
            break;
        };
        let played = player.play(decode(body).expect("an entry"));
        played.unwrap_or_else(|error| panic!("{error}"));
        rest = after;
    }
    player.inputs()
}

#[test]
fn a_recording_is_played_again_byte_for_byte_also_after_restart_and_kill() {
    let space = Workspace::new("record");
    let (a, mut b) = (
        space.node("a"),
        space.asleep("b", &["init", "--listen", "tcp"]),
    );
    let files = ["first", "second", "third"].map(|name| space.path(name));
    b.start_with(&["--record", &files[0]]);
    let forum = a.say(&["forum", "new", "A forum"]);
    b.join(&a, &forum);
    let hello = b.say(&["post", &forum, "Hello from b"]);
    eventually("the comment at a", PATIENCE, || a.has(&hello));
    b.stop();
    let late = a.say(&["post", &hello, "Are you there?"]);
    // This core has a past: its records are in the recording.
    b.start_with(&["--record", &files[1]]);
    eventually("the late comment at b", PATIENCE, || b.has(&late));
    b.kill();
    b.start_with(&["--record", &files[2]]);
    b.stop();
    assert!(
        play(&files[0]) > 10,
        "a node that joined and wrote was given more"
    );
    play(&files[1]);
    assert!(play(&files[2]) > 1);
    let mode = std::fs::metadata(&files[0])
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "the key is in it");
    b.fails(&["run", "--record", &files[0]], 1, "exists");
}
