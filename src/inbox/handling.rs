//! An item that is being handled, and what is gathered meanwhile.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::store::{self, Item, Writes};

/// An item that is being handled, with what is to be written because of it: in one transaction, with
/// the next call that is begun or when handling ends. Items of one lease share what they gather, as
/// several of them may be handled together.
pub(crate) struct Handling {
    item: Item,
    gathered: Gathered,
}

/// What was gathered and is not written yet.
#[derive(Clone, Default)]
pub(crate) struct Gathered(Arc<Mutex<Writes>>);

impl Handling {
    /// Nothing was done for the item yet.
    pub(crate) fn new(item: Item, gathered: Gathered) -> Self {
        Self { item, gathered }
    }

    /// Keeps what was found out or decided, so that it is the same should the item be handled again:
    /// a message in several posts, for one, must be cut the same way. It is kept before the next call
    /// is made.
    ///
    /// # Errors
    ///
    /// [`store::Error::Unreadable`] if it cannot be kept.
    pub(crate) fn remember<T: Serialize>(&self, name: &str, value: &T) -> store::Result<()> {
        let value = store::to_kept(value)?;
        self.gathered.lock().put_decision(self.item.id, name, &value);
        Ok(())
    }

    /// What was gathered.
    pub(crate) fn gathered(&self) -> &Gathered {
        &self.gathered
    }
}

impl Deref for Handling {
    type Target = Item;

    fn deref(&self) -> &Item {
        &self.item
    }
}

impl Gathered {
    /// Adds to it, or looks at it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Writes> {
        // Also after a panic: each change is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all of it out, to be written.
    pub(crate) fn take(&self) -> Writes {
        std::mem::take(&mut *self.lock())
    }

    /// Puts back what could not be written, before what came since.
    pub(crate) fn restore(&self, mut unwritten: Writes) {
        let mut writes = self.lock();
        unwritten.append(std::mem::take(&mut *writes));
        *writes = unwritten;
    }
}
