//! What people have set for themselves, kept as facts, one for each person and switch.

use jiff::Timestamp;

use super::{Result, Store, row};
use crate::model::{PersonalSwitch, SlackUserId};

/// The fact in which somebody's switch is kept. A format: only add.
fn fact_name(switch: PersonalSwitch, user: &SlackUserId) -> String {
    format!("{}:{user}", switch.name())
}

/// Since when somebody's switch is on, if it is.
pub async fn read_switch(
    store: &dyn Store,
    switch: PersonalSwitch,
    user: &SlackUserId,
) -> Result<Option<Timestamp>> {
    let since = store.read_fact(&fact_name(switch, user)).await?;
    // What cannot be read was never written by us: on since ever.
    since.map(|since| row::parse_timestamp(since.parse().unwrap_or_default())).transpose()
}

/// Sets somebody's switch; one that is on already stays on since when it was.
pub async fn set_switch(
    store: &dyn Store,
    switch: PersonalSwitch,
    user: &SlackUserId,
    (is_on, now): (bool, Timestamp),
) -> Result<()> {
    if is_on == read_switch(store, switch, user).await?.is_some() {
        return Ok(());
    }
    let since = is_on.then(|| now.as_millisecond().to_string());
    store.put_fact(&fact_name(switch, user), since.as_deref()).await
}
