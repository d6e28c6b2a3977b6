//! Reading the whole of a message that a person wrote in Slack.
//!
//! What Slack shows of a message stands in its blocks, its attachments and its files, and its
//! `text` repeats the blocks (`slack.md` D.1). Whatever is found there becomes words, a file or a
//! [`KeptPart`]; only previews of links are passed over. So what Slack invents next is a kept part
//! too, until somebody teaches it here.

use serde_json::Value;

use super::attachment::parse_attachment;
use super::json::text_at;
use crate::model::{AgentMessage, Attachment, Inline, KeptPart, Paragraph, RichText, Style};
use crate::slack::text::rich_text::{self, element_type, find_element_text, unreadable_part};
use crate::slack::text::{emoji, mrkdwn};

/// How deep forwarded messages are read that are forwarded themselves.
const MAX_FORWARD_DEPTH: usize = 3;
/// What Slack writes as the `text` of a message that has none (`slack.md` 3.1).
const PLACEHOLDER_TEXTS: [&str; 2] = ["[no preview available]", "This content can't be displayed."];
/// Between two cells of a row.
const CELL_BREAK: &str = " | ";
/// In the place of a cell without words, so that the others keep theirs.
const EMPTY_CELL: &str = "–";

/// Reads a message, as an event or an answer of Slack holds it.
pub fn read_message(message: &Value) -> AgentMessage {
    let mut reader = MessageReader::new(message, 0);
    reader.read_blocks(array_field(message, "blocks"));
    reader.fall_back_on_text();
    reader.read_attachments(array_field(message, "attachments"));
    let mut read = reader.into_message(read_files(message));
    if !read.may_go_out() && read.kept.is_empty() {
        // Something was sent, but it stands nowhere where we know to look.
        read.kept.push(unreadable_part("message"));
    }
    read
}

/// What was read of a message so far.
struct MessageReader<'a> {
    text: &'a str,
    /// How many messages it was forwarded in.
    depth: usize,
    paragraphs: Vec<Paragraph>,
    kept: Vec<KeptPart>,
}

impl<'a> MessageReader<'a> {
    fn new(message: &'a Value, depth: usize) -> Self {
        let text = text_at(message, "/text").unwrap_or_default();
        Self { text, depth, paragraphs: Vec::new(), kept: Vec::new() }
    }

    fn into_message(self, files: Vec<Attachment>) -> AgentMessage {
        AgentMessage { text: RichText(self.paragraphs), files, kept: self.kept }
    }

    /// Slack shows the blocks and not the text, so the text counts only if they say nothing.
    fn fall_back_on_text(&mut self) {
        if is_blank(&self.paragraphs) && !PLACEHOLDER_TEXTS.contains(&self.text.trim()) {
            let RichText(paragraphs) = mrkdwn::read_mrkdwn(self.text);
            self.paragraphs = paragraphs;
        }
    }

    fn read_blocks(&mut self, blocks: &[Value]) {
        for block in blocks {
            self.read_block(block);
        }
    }

    fn read_block(&mut self, block: &Value) {
        match element_type(block) {
            "rich_text" => {
                rich_text::read_rich_text(block, self.text, &mut self.paragraphs, &mut self.kept);
            }
            "table" | "data_table" => self.read_table(block),
            "header" => self.read_text_objects(block, block.get("text")),
            "section" => {
                let fields = array_field(block, "fields");
                self.read_text_objects(block, block.get("text").into_iter().chain(fields));
                self.kept.extend(block.get("accessory").map(to_kept_part));
            }
            "context" => {
                let (images, texts): (Vec<&Value>, Vec<&Value>) = array_field(block, "elements")
                    .iter()
                    .partition(|element| element_type(element) == "image");
                self.kept.extend(images.into_iter().map(to_kept_part));
                self.read_text_objects(block, texts);
            }
            "divider" => {}
            _ => self.kept.push(to_kept_part(block)),
        }
    }

    /// Words of a block whose texts say themselves what they are.
    fn read_text_objects<'v>(&mut self, block: &Value, texts: impl IntoIterator<Item = &'v Value>) {
        let before = self.paragraphs.len();
        for object in texts {
            let words = text_at(object, "/text").unwrap_or_default();
            if element_type(object) == "mrkdwn" {
                self.paragraphs.extend(mrkdwn::read_mrkdwn(words).0);
            } else {
                self.paragraphs.extend(RichText::from_plain(emoji::replace_emoji_names(words)).0);
            }
        }
        if is_blank(self.paragraphs.get(before..).unwrap_or_default()) {
            self.kept.push(to_kept_part(block));
        }
    }

    /// A table becomes lines, one for each row.
    fn read_table(&mut self, table: &Value) {
        let mut rows: Vec<Vec<Inline>> = text_at(table, "/caption")
            .or_else(|| text_at(table, "/caption/text"))
            .map(|caption| vec![plain_inline(caption)])
            .into_iter()
            .collect();
        for row in array_field(table, "rows") {
            let cells = row.as_array().map(Vec::as_slice).unwrap_or_default();
            let cells: Vec<Vec<Inline>> = cells.iter().map(|cell| self.read_cell(cell)).collect();
            rows.extend(join_cells(cells));
        }
        if rows.is_empty() {
            self.kept.push(to_kept_part(table));
        } else {
            let lines = rows.join(&plain_inline("\n"));
            self.paragraphs.push(Paragraph::Text(lines));
        }
    }

    /// What a cell says, on one line.
    fn read_cell(&mut self, cell: &Value) -> Vec<Inline> {
        let mut paragraphs = Vec::new();
        match (element_type(cell), find_element_text(cell)) {
            ("rich_text", _) => {
                rich_text::read_rich_text(cell, self.text, &mut paragraphs, &mut self.kept);
            }
            ("raw_number", _) if cell.get("value").is_some_and(Value::is_number) => {
                paragraphs.extend(cell.get("value").map(Value::to_string).map(to_paragraph));
            }
            // Cells come escaped but without marks (`a_table_reaches_the_customer_as_lines`).
            (_, Some(words)) => paragraphs.push(to_paragraph(mrkdwn::unescape_mrkdwn(words))),
            ("raw_text", None) => {}
            (_, None) => self.kept.push(to_kept_part(cell)),
        }
        join_on_one_line(paragraphs)
    }

    fn read_attachments(&mut self, attachments: &[Value]) {
        for attachment in attachments {
            self.read_attachment(attachment);
        }
    }

    /// What hangs on a message: a message forwarded, a pasted table, a preview (`slack.md` 3.2).
    fn read_attachment(&mut self, attachment: &Value) {
        let is = |flag: &str| attachment.get(flag).and_then(Value::as_bool) == Some(true);
        let leads_somewhere = ["/from_url", "/original_url", "/app_unfurl_url"]
            .iter()
            .any(|pointer| text_at(attachment, pointer).is_some());
        // Someone meant to pass it on, but perhaps not to the customer: its sender is asked
        // (`a_forwarded_message_is_kept_until_its_sender_says_that_it_may_go`).
        if is("is_share") {
            let message = read_forwarded(attachment, self.depth + 1);
            self.kept.push(KeptPart::Forwarded(Box::new(message)));
        } else if is("is_msg_unfurl") || is("is_app_unfurl") || leads_somewhere {
            // Slack shows it for an address that stands in the words; a customer gets the address.
        } else {
            self.read_pasted(attachment);
        }
    }

    /// People paste tables; other contents are those of bots and workflows, and not for customers.
    fn read_pasted(&mut self, attachment: &Value) {
        let (tables, others): (Vec<&Value>, Vec<&Value>) = array_field(attachment, "blocks")
            .iter()
            .partition(|block| matches!(element_type(block), "table" | "data_table"));
        for table in &tables {
            self.read_table(table);
        }
        if others.is_empty() && tables.is_empty() {
            self.kept.push(unreadable_part("attachment"));
        }
        self.kept.extend(others.into_iter().map(to_kept_part));
    }
}

/// Reads a message that was forwarded (`slack.md` 3.2).
fn read_forwarded(attachment: &Value, depth: usize) -> AgentMessage {
    let mut reader = MessageReader::new(attachment, depth);
    // Forwards may be nested (`slack.md`, additions §3.2), and nobody says how deep.
    if depth > MAX_FORWARD_DEPTH {
        reader.kept.push(unreadable_part("attachment"));
        return reader.into_message(Vec::new());
    }
    // These are exact; the attachment's `text` is only their mark-up (`slack.md`, additions §3.2).
    for part in array_field(attachment, "message_blocks") {
        let message = part.get("message").unwrap_or(&Value::Null);
        reader.read_blocks(array_field(message, "blocks"));
        reader.read_attachments(array_field(message, "attachments"));
    }
    reader.fall_back_on_text();
    reader.read_attachments(array_field(attachment, "attachments"));
    reader.into_message(read_files(attachment))
}

fn read_files(message: &Value) -> Vec<Attachment> {
    array_field(message, "files").iter().map(parse_attachment).collect()
}

fn to_kept_part(block: &Value) -> KeptPart {
    if element_type(block) == "image" {
        KeptPart::Image
    } else {
        unreadable_part(element_type(block))
    }
}

/// The line of a row: its cells set apart, each in its place; none if there are no words in it.
fn join_cells(mut cells: Vec<Vec<Inline>>) -> Option<Vec<Inline>> {
    let is_empty = |cell: &Vec<Inline>| is_blank(&[Paragraph::Text(cell.clone())]);
    let last = cells.iter().rposition(|cell| !is_empty(cell))?;
    cells.truncate(last + 1);
    for cell in cells.iter_mut().filter(|cell| is_empty(cell)) {
        *cell = vec![plain_inline(EMPTY_CELL)];
    }
    Some(cells.join(&plain_inline(CELL_BREAK)))
}

/// The runs of all paragraphs without a line break.
fn join_on_one_line(paragraphs: Vec<Paragraph>) -> Vec<Inline> {
    let lines = paragraphs.into_iter().map(|paragraph| match paragraph {
        Paragraph::Text(runs) | Paragraph::Quote(runs) | Paragraph::Item { text: runs, .. } => runs,
        Paragraph::Code(code) => vec![plain_inline(&code)],
    });
    let mut runs = lines.collect::<Vec<_>>().join(&plain_inline(" "));
    for run in &mut runs {
        if let Inline::Text { text, .. } = run {
            *text = text.replace('\n', " ");
        }
    }
    runs
}

fn is_blank(paragraphs: &[Paragraph]) -> bool {
    RichText(paragraphs.to_vec()).is_blank()
}

fn to_paragraph(text: impl Into<String>) -> Paragraph {
    Paragraph::Text(vec![Inline::Text { text: text.into(), style: Style::default() }])
}

fn plain_inline(text: &str) -> Inline {
    Inline::Text { text: text.to_owned(), style: Style::default() }
}

fn array_field<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
