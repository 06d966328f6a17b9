//! Other protocols, in the same simulated network as ours: what people would pick
//! instead, what came before, and two bounds. Each is a
//! [`Protocol`](cliqueclique_sim::arena::Protocol); [`catalogue`] names them.

pub mod catalogue;
pub mod central;
pub mod compare;
pub mod core;
pub mod gossip;
pub mod nntp;
pub mod original;
pub mod page;
pub mod rows;
pub mod wire;
