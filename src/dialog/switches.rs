//! What people set for themselves: it takes effect at once, and is in the store before Slack is
//! answered.

use super::error::Error;
use crate::clock::Clock;
use crate::model::{PersonalSwitch, SlackUserId};
use crate::slack::home::OwnSwitches;
use crate::store::{SharedStore, switches};

/// Keeps what people set for themselves.
pub(crate) struct Switches {
    pub(crate) store: SharedStore,
    pub(crate) clock: Clock,
}

impl Switches {
    /// Sets all switches of somebody; those that are not `on` are off.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub(super) async fn set_all(
        &self,
        user: &SlackUserId,
        on: &[PersonalSwitch],
    ) -> Result<(), Error> {
        for switch in PersonalSwitch::ALL {
            self.set_switch(user, switch, on.contains(&switch)).await?;
        }
        Ok(())
    }

    /// Sets one switch of somebody.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub(super) async fn set_switch(
        &self,
        user: &SlackUserId,
        switch: PersonalSwitch,
        is_on: bool,
    ) -> Result<(), Error> {
        let set = (is_on, self.clock.now());
        Ok(switches::set_switch(&*self.store, switch, user, set).await?)
    }

    /// What somebody has set for themselves.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub(super) async fn read_all(&self, user: &SlackUserId) -> Result<OwnSwitches, Error> {
        let read = async |switch| switches::read_switch(&*self.store, switch, user).await;
        Ok(OwnSwitches {
            paused_since: read(PersonalSwitch::Pause).await?,
            wants_messages: read(PersonalSwitch::DirectMessages).await?.is_some(),
        })
    }
}
