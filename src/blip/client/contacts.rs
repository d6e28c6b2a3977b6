//! The contact book: what the team keeps on a customer.

use std::sync::Arc;

use super::pages::{fetch_entries, new_request_id, none_if_missing};
use crate::blip::contact::{ContactDocument, read_comment};
use crate::blip::envelope::{self, MAX_PAGE_SIZE};
use crate::blip::error::Error;
use crate::blip::transport::BlipTransport;
use crate::model::{ContactChange, ContactComment};

/// Reads contacts and changes them.
#[derive(Debug)]
pub(crate) struct ContactClient {
    transport: Arc<BlipTransport>,
}

impl ContactClient {
    pub(super) fn new(transport: Arc<BlipTransport>) -> Self {
        Self { transport }
    }

    /// What the contact book has on a customer.
    pub(crate) async fn fetch_contact(
        &self,
        identity: &str,
    ) -> Result<Option<ContactDocument>, Error> {
        let command = envelope::get_contact(&new_request_id(), identity);
        Ok(none_if_missing(self.transport.send_command("read contact", &command).await)?
            .map(ContactDocument::new))
    }

    /// Changes what the contact book has on a customer, and nothing else of it.
    pub(crate) async fn change_contact(
        &self,
        identity: &str,
        change: &ContactChange,
    ) -> Result<(), Error> {
        let known =
            // Read only where the team's own entries change, as these are written back as a whole.
            if change.extras.is_empty() { None } else { self.fetch_contact(identity).await? };
        let contact = known.unwrap_or_default().build_change(identity, change);
        let command = envelope::merge_contact(&new_request_id(), &contact);
        self.transport.send_command("change contact", &command).await.map(drop)
    }

    /// What was noted about a customer, newest first as Blip tells it.
    pub(crate) async fn fetch_comments(
        &self,
        identity: &str,
    ) -> Result<Vec<ContactComment>, Error> {
        let command = envelope::get_comments(&new_request_id(), identity, MAX_PAGE_SIZE);
        let entries = fetch_entries(&self.transport, "read comments", &command).await?;
        Ok(entries.iter().filter_map(read_comment).collect())
    }

    /// Notes something about a customer in the contact book.
    pub(crate) async fn add_comment(
        &self,
        identity: &str,
        text: &str,
        author: Option<&str>,
    ) -> Result<(), Error> {
        let command = envelope::set_comment(&new_request_id(), identity, (text, author));
        self.transport.send_command("add comment", &command).await.map(drop)
    }
}
