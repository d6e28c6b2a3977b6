//! Where the demo keeps its database.

use std::path::PathBuf;

use anyhow::Context;
use uuid::Uuid;

/// A folder that goes when the demo ends.
pub(super) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    pub(super) fn new() -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("blip-slack-demo-{}", Uuid::new_v4()));
        std::fs::create_dir(&folder).context("make a temporary folder")?;
        Ok(Self(folder))
    }

    /// The path of the database in it.
    pub(super) fn database(&self) -> anyhow::Result<String> {
        let database = self.0.join("demo.db");
        let database = database.to_str().context("the temporary folder has an unusual name")?;
        Ok(database.to_owned())
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // What is left of it is small, and in the system's own temporary folder.
        std::fs::remove_dir_all(&self.0).ok();
    }
}
