//! Strict models of the two platforms, for the demo, the tests and the benchmarks.

pub mod blip;
pub mod faults;
pub mod slack;
