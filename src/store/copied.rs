//! What is copied from one database to another: tables, their columns, and how rows are compared.

use sha2::{Digest, Sha256};

/// A value in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// A number, if there is one.
    Number(Option<i64>),
    /// A text, if there is one.
    Text(Option<String>),
    /// Bytes, if there are any.
    Bytes(Option<Vec<u8>>),
}

/// Which kind of [`Cell`] a column has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellKind {
    Number,
    Text,
    Bytes,
}

/// A table that is copied: its name, its columns, and which rows belong to the copied database
/// itself and stay there.
pub(super) struct CopiedTable {
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, CellKind)],
    pub(super) only: &'static str,
}

use CellKind::{Bytes, Number, Text};

const fn table(
    name: &'static str,
    columns: &'static [(&'static str, CellKind)],
    only: &'static str,
) -> CopiedTable {
    CopiedTable { name, columns, only }
}

/// All tables, those first that others refer to.
pub(super) const COPIED_TABLES: [CopiedTable; 14] = [
    table(
        "item",
        &[
            ("id", Number),
            ("source", Text),
            ("lane", Text),
            ("key", Text),
            ("received", Number),
            ("state", Text),
            ("attempts", Number),
            ("doubt", Number),
            ("reason", Text),
            ("finished", Number),
            ("body", Bytes),
        ],
        "true",
    ),
    table(
        "lane",
        &[("name", Text), ("due", Number), ("slot_channel", Text), ("slot_at", Number)],
        "true",
    ),
    table(
        "step",
        &[
            ("item", Number),
            ("name", Text),
            ("channel", Text),
            ("begun", Number),
            ("tried", Number),
            ("result", Text),
        ],
        "true",
    ),
    table(
        "ticket",
        &[
            ("customer", Text),
            ("customer_name", Text),
            ("originator", Text),
            ("id", Text),
            ("spelled", Text),
            ("bot", Text),
            ("address", Text),
            ("number", Number),
            ("parent", Number),
            ("domain", Text),
            ("team", Text),
            ("tags", Text),
            ("opened", Number),
            ("state", Text),
            ("changed", Number),
            ("ending", Text),
            ("agent", Text),
            ("agent_name", Text),
            ("agent_identity", Text),
            ("channel", Text),
            ("root", Text),
            ("heard", Number),
            ("unanswered", Number),
            ("answered", Number),
            ("answered_by", Text),
            ("rating", Text),
            ("priority", Number),
            ("passed_limits", Number),
            ("standby", Number),
            ("revision", Number),
        ],
        "true",
    ),
    table("first_words", &[("ticket", Text), ("words", Text)], "true"),
    table("drawn_card", &[("ticket", Text), ("revision", Number), ("look", Number)], "true"),
    table(
        "message",
        &[("channel", Text), ("ts", Text), ("ticket", Text), ("role", Text), ("user", Text)],
        "true",
    ),
    table("twin", &[("channel", Text), ("ts", Text), ("ticket", Text), ("blip_id", Text)], "true"),
    table("renamed_channel", &[("number", Number), ("later", Text), ("first", Text)], "true"),
    table("agent_turn", &[("agent", Text), ("turn", Number)], "true"),
    table(
        "assignment",
        &[
            ("ticket", Text),
            ("agent", Text),
            ("turn", Number),
            ("passed", Number),
            ("refused", Number),
        ],
        "true",
    ),
    table("slot", &[("channel", Text), ("next_at", Number), ("hold_until", Number)], "true"),
    table("erased", &[("hash", Bytes), ("at", Number)], "true"),
    table("meta", &[("key", Text), ("value", Text)], "key = 'salt' OR key LIKE 'fact:%'"),
];

/// How many rows a table has, and a sum of their hashes, whatever their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TableSum {
    pub(super) rows: u64,
    sum: u128,
}

impl TableSum {
    /// Takes a row in.
    pub(super) fn add_row(&mut self, cells: &[Cell]) {
        let mut hash = Sha256::new();
        for cell in cells {
            let bytes = match cell {
                Cell::Number(number) => number.map(|number| number.to_be_bytes().to_vec()),
                Cell::Text(text) => text.as_ref().map(|text| text.as_bytes().to_vec()),
                Cell::Bytes(bytes) => bytes.clone(),
            };
            // With their lengths, so that a piece of one column cannot stand for a piece of the
            // next, nor an empty text for none.
            let length = bytes.as_ref().map_or(u64::MAX, |bytes| bytes.len() as u64);
            hash.update(length.to_be_bytes());
            hash.update(bytes.unwrap_or_default());
        }
        let digest: [u8; 32] = hash.finalize().into();
        // A sum, as the two databases hand out rows in different orders; 128 bits of a hash tell
        // rows apart well enough.
        let half = digest.first_chunk().copied().unwrap_or_default();
        self.rows += 1;
        self.sum = self.sum.wrapping_add(u128::from_be_bytes(half));
    }
}
