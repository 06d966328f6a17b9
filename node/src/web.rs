//! The forum in the browser.

#![allow(dead_code, reason = "the pages that show all this come next")]

pub(crate) mod attachment;
pub(crate) mod feed;
pub(crate) mod graph;
pub(crate) mod markup;
