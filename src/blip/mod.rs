//! Everything that knows Blip.

mod card;
pub mod content;
pub mod envelope;
mod lenient;
mod native;
pub mod parse;
mod sensitive;
pub mod text;
