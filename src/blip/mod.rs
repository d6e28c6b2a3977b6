//! Everything that knows Blip.

pub mod content;
pub mod envelope;
pub mod parse;
pub mod text;
