//! stub
/// stub
pub fn called(_platform: &'static str, _outcome: &'static str) {}
/// stub
pub fn settled(_source: &'static str, _verdict: &'static str, _count: usize) {}
/// stub
pub fn accepted(_source: &'static str) {}
/// stub
pub fn repeated(_source: &'static str) {}
/// stub
pub fn unknown(_source: &'static str) {}
/// stub
pub fn ready(_ready: bool) {}
/// stub
pub fn depth(_waiting: u64, _parked: u64, _oldest: jiff::SignedDuration) {}
/// stub
pub fn render() -> String { String::new() }
