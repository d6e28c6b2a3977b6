//! What the contact book at Blip has on a customer, as far as agents read and change it.

use jiff::Timestamp;

/// A field that every contact may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactField {
    /// What they are called.
    Name,
    /// Their phone number, as Blip has it.
    Phone,
    /// Their e-mail address, as somebody wrote it down.
    Email,
    /// Their document, such as a CPF.
    Document,
    /// Their street and the number in it.
    Address,
    /// The city where they live.
    City,
    /// The group that the team has put them in.
    Group,
}

impl ContactField {
    /// All of them, in the order in which they are shown.
    pub(crate) const ALL: [Self; 7] = [
        Self::Name,
        Self::Phone,
        Self::Email,
        Self::Document,
        Self::Address,
        Self::City,
        Self::Group,
    ];
}

/// What is to be changed of a contact; all else stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactChange {
    /// Fields with their new values.
    pub(crate) fields: Vec<(ContactField, String)>,
    /// Entries of the team's own with their new values.
    pub(crate) extras: Vec<(String, String)>,
}

impl ContactChange {
    /// Whether nothing is to be changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.extras.is_empty()
    }

    /// The new name, if it is to have one.
    pub(crate) fn name(&self) -> Option<&str> {
        let name = self.fields.iter().find(|(field, _)| *field == ContactField::Name);
        name.map(|(_, name)| name.as_str()).filter(|name| !name.is_empty())
    }
}

/// What somebody noted about a customer at Blip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContactComment {
    /// Blip's identity of who noted it.
    pub(crate) author: Option<String>,
    pub(crate) text: String,
    /// When they noted it, if Blip tells.
    pub(crate) at: Option<Timestamp>,
}
