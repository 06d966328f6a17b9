//! How long a case may take to become whole after the last fault.

use crate::scenario::Scenario;
use std::time::Duration;

/// Repairs that may have to follow one another: a part of a network is found by a probe, a link
/// to it stands, its other end proves dead in its turn, and so on. Measured on drawn cases.
const ROUNDS: u32 = 4;

/// Time within which all *eventually* properties must hold, from the settings that each repair
/// waits for: a silent death is noticed, its place is kept for a while, whoever was away is
/// dialled again, an election and a leave that nobody answers are given up.
#[must_use]
pub fn bound(scenario: &Scenario) -> Duration {
    let protocol = &scenario.protocol;
    let given_up = protocol.freeze_timeout
        + protocol.leave_timeout
        + protocol.request_timeout
        + protocol.handshake_timeout
        + protocol.audit_delay;
    let again = protocol.redial_max + protocol.probe_interval + protocol.linger;
    (stale(scenario) + given_up + again) * ROUNDS
}

/// Time for which a node may stand by what a peer said that has come back without its memory: it
/// notices that the link is dead, and waits for the peer. So long a circle of upstreams may
/// stand, if the peer has taken a place below that node meanwhile.
pub(super) fn stale(scenario: &Scenario) -> Duration {
    let protocol = &scenario.protocol;
    protocol.keep_alive_max.mul_f64(1.25) + protocol.link_timeout + protocol.absence
}
