//! How often a program asks for memory, counted by a small library that is loaded before its own. Nothing
//! of the program is changed for it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The counter of one process.
pub struct Allocations {
    library: PathBuf,
    counters: PathBuf,
}

impl Allocations {
    /// Builds the library into this folder; none where there is no C compiler, or no library of GNU's.
    pub fn prepare(folder: &Path) -> Option<Self> {
        build(folder).ok().map(|library| Self { library, counters: folder.join("allocations") })
    }

    /// What the process needs to know.
    pub fn environment(&self) -> [(&'static str, PathBuf); 2] {
        [("LD_PRELOAD", self.library.clone()), ("ALLOCATIONS_FILE", self.counters.clone())]
    }

    /// How often it has asked for memory so far: the sum of all counters, one in each line of a cache.
    pub fn count(&self) -> Result<u64> {
        let counters = std::fs::read(&self.counters).context("no counters")?;
        let read = |line: &[u8]| line.first_chunk::<8>().map(|number| u64::from_ne_bytes(*number));
        Ok(counters.chunks(64).filter_map(read).sum())
    }
}

fn build(folder: &Path) -> Result<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/versus_bolt/allocations.c");
    let library = folder.join("allocations.so");
    let mut compiler = Command::new("cc");
    let built =
        compiler.args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).output()?;
    ensure!(built.status.success(), "cc: {}", String::from_utf8_lossy(&built.stderr));
    Ok(library)
}
