//! What the tests of several nodes share. The fuzz targets use the parts that do not
//! depend on the suite, with a cheaper one (`fuzz/bodies`).

#![allow(dead_code, reason = "each test crate uses a part of it")]

pub(crate) mod net;
pub(crate) mod peer;
pub(crate) mod play;
pub(crate) mod said;
pub(crate) mod show;

use cliqueclique_core::WallTime;
use cliqueclique_core::crypto::Ed25519Blake3;

pub(crate) const SUITE: Ed25519Blake3 = Ed25519Blake3;
/// Wall time at the start of every test.
pub(crate) const WALL: WallTime = WallTime(1_000_000);
