//! Reads our own source, for tests that compare it with what is written elsewhere.

use std::fs;
use std::path::{Path, PathBuf};

/// The string literals of `src/`, with the file each stands in.
///
/// Read line by line: a literal over several lines is not found, and what stands between two
/// literals of a line is taken for one. Both do no harm to those who look for single words.
pub fn literals() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut literals = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for line in text.lines() {
            let pieces: Vec<&str> = line.split('"').collect();
            let inner = pieces.iter().take(pieces.len() - 1).skip(1);
            literals.extend(inner.map(|piece| (file.clone(), (*piece).to_owned())));
        }
    }
    literals
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
