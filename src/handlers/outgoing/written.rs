//! A message that an agent wrote, and the ids by which Blip knows its parts.
//!
//! The ids are derived, so that the same part has the same id whenever it is sent: Blip can be asked
//! whether it has it. What they are derived from is a format (`CONTRIBUTING.md`): a message that was
//! begun by an earlier release must keep its ids.

use uuid::Uuid;

use crate::handlers::calls::ID_NAMESPACE;
use crate::handlers::people::Person;
use crate::model::{AgentMessage, ChannelId, MessageTs, Ticket};
use crate::store::{Link, Role};

/// A message that an agent wrote in a ticket's thread.
pub(crate) struct WrittenMessage<'a> {
    pub(crate) channel: &'a ChannelId,
    pub(crate) ts: &'a MessageTs,
    pub(crate) message: &'a AgentMessage,
    /// Which version of the message it is (`parse::version_name`): empty for the first.
    pub(crate) version: &'a str,
}

impl WrittenMessage<'_> {
    /// The id under which a part of the message goes to Blip: the same whenever it is sent.
    pub(crate) fn blip_message_id(&self, part: &str) -> String {
        let name = format!("{}:{}:{}{part}", self.channel, self.ts, self.version);
        Uuid::new_v5(&ID_NAMESPACE, name.as_bytes()).to_string()
    }

    /// Ties the message to a ticket, and to what it became at Blip.
    pub(crate) fn to_link(
        &self,
        ticket: &Ticket,
        person: &Person,
        role: Role,
        blip_id: Option<String>,
    ) -> Link {
        Link {
            ticket: ticket.id.clone(),
            channel: self.channel.clone(),
            ts: self.ts.clone(),
            role,
            blip_id,
            user: Some(person.user.clone()),
        }
    }
}
