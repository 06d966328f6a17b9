//! What a node may sign and prove, as `core/PROTOCOL.md` words it: hostile nodes
//! make true proofs where they can, so that nothing but the lie itself is wrong.

use cliqueclique_core::crypto::Suite;
use cliqueclique_core::id::Signature;
use cliqueclique_core::message::{Hello, Packet, Welcome};
use cliqueclique_core::wire::encode;

/// Hash of a Hello with its channel.
pub(super) fn hello(suite: &dyn Suite, binding: &[u8; 32], hello: &Hello) -> [u8; 32] {
    let bytes = encode(&Packet::Hello(Box::new(hello.clone())));
    // The kind of packet stands before what is signed, the signature after it.
    let signed = &bytes[1..bytes.len() - Signature::LEN];
    suite.hash("hello", &[binding, signed])
}

/// Hash of a Welcome, over that of its Hello.
pub(super) fn welcome(suite: &dyn Suite, hello: &[u8; 32], welcome: &Welcome) -> [u8; 32] {
    let version = welcome.version.to_le_bytes();
    suite.hash(
        "welcome",
        &[hello, &version, &welcome.nonce, &welcome.key.0],
    )
}
