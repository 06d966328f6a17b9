//! The play of `core/tests/common`, with a cheap suite in place of the real one.

#![allow(
    dead_code,
    clippy::expect_used,
    reason = "shared with the tests of the core, which use the rest of it"
)]

use crate::suite::Brisk;
use cliqueclique_core::WallTime;

#[path = "../../../core/tests/common/peer.rs"]
pub(crate) mod peer;
#[path = "../../../core/tests/common/play.rs"]
pub(crate) mod play;
#[path = "../../../core/tests/common/said.rs"]
pub(crate) mod said;

pub(crate) const SUITE: Brisk = Brisk;
/// Wall time at the start of every history.
pub(crate) const WALL: WallTime = WallTime(1_000_000);
