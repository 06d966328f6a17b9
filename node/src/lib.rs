//! The node that people run. Not filled yet: the runner on tokio and I2P comes
//! after the protocol and its simulator. It will hold no protocol logic.

pub use cliqueclique_core as core;
