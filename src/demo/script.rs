//! stub
/// stub
pub async fn play(_keep_running: bool) -> anyhow::Result<()> {
    Ok(())
}
