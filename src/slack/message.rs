//! Reading the whole of a message that a person wrote in Slack.
//!
//! What Slack shows of a message stands in its blocks, its attachments and its files, and its
//! `text` repeats the blocks (`slack.md` D.1). Whatever is found there becomes words, a file or a
//! [`KeptPart`]; only previews of links are passed over. So what Slack invents next is a kept part
//! too, until somebody teaches it here.

use serde_json::Value;

use super::parse::{self, text};
use super::rich_text::{self, any_words, kind};
use super::{emoji, mrkdwn};
use crate::model::{AgentMessage, Attachment, Inline, KeptPart, Paragraph, Rich, Style};

/// How deep forwarded messages are read that are forwarded themselves.
const MAX_DEPTH: usize = 3;
/// What Slack writes as the `text` of a message that has none (`slack.md` 3.1).
const PLACEHOLDERS: [&str; 2] = ["[no preview available]", "This content can't be displayed."];
/// Between two cells of a row.
const CELL_BREAK: &str = " | ";
/// In the place of a cell without words, so that the others keep theirs.
const EMPTY_CELL: &str = "–";

/// Reads a message, as an event or an answer of Slack holds it.
pub fn read(message: &Value) -> AgentMessage {
    let mut reader = Reader::new(message, 0);
    reader.blocks(list(message, "blocks"));
    reader.fall_back_on_text();
    reader.attachments(list(message, "attachments"));
    let mut read = reader.finish(files(message));
    if !read.may_go_out() && read.kept.is_empty() {
        // Something was sent, but it stands nowhere where we know to look.
        read.kept.push(unreadable("message"));
    }
    read
}

/// What was read of a message so far.
struct Reader<'a> {
    /// The message's mark-up.
    text: &'a str,
    /// How many messages it was forwarded in.
    depth: usize,
    paragraphs: Vec<Paragraph>,
    kept: Vec<KeptPart>,
}

impl<'a> Reader<'a> {
    fn new(message: &'a Value, depth: usize) -> Self {
        let text = text(message, "/text").unwrap_or_default();
        Self { text, depth, paragraphs: Vec::new(), kept: Vec::new() }
    }

    fn finish(self, files: Vec<Attachment>) -> AgentMessage {
        AgentMessage { text: Rich(self.paragraphs), files, kept: self.kept }
    }

    /// Slack shows the blocks and not the text, so the text counts only if they say nothing.
    fn fall_back_on_text(&mut self) {
        if is_blank(&self.paragraphs) && !PLACEHOLDERS.contains(&self.text.trim()) {
            let Rich(paragraphs) = mrkdwn::read(self.text);
            self.paragraphs = paragraphs;
        }
    }

    fn blocks(&mut self, blocks: &[Value]) {
        for block in blocks {
            self.block(block);
        }
    }

    fn block(&mut self, block: &Value) {
        match kind(block) {
            "rich_text" => {
                rich_text::read(block, self.text, &mut self.paragraphs, &mut self.kept);
            }
            "table" | "data_table" => self.table(block),
            "header" => self.text_objects(block, block.get("text")),
            "section" => {
                let fields = list(block, "fields");
                self.text_objects(block, block.get("text").into_iter().chain(fields));
                self.kept.extend(block.get("accessory").map(kept));
            }
            "context" => {
                let (images, texts): (Vec<&Value>, Vec<&Value>) =
                    list(block, "elements").iter().partition(|element| kind(element) == "image");
                self.kept.extend(images.into_iter().map(kept));
                self.text_objects(block, texts);
            }
            "divider" => {}
            _ => self.kept.push(kept(block)),
        }
    }

    /// Words of a block whose texts say themselves what they are.
    fn text_objects<'v>(&mut self, block: &Value, texts: impl IntoIterator<Item = &'v Value>) {
        let before = self.paragraphs.len();
        for object in texts {
            let words = text(object, "/text").unwrap_or_default();
            if kind(object) == "mrkdwn" {
                self.paragraphs.extend(mrkdwn::read(words).0);
            } else {
                self.paragraphs.extend(Rich::plain(emoji::spell(words)).0);
            }
        }
        if is_blank(self.paragraphs.get(before..).unwrap_or_default()) {
            self.kept.push(kept(block));
        }
    }

    /// A table becomes lines, one for each row.
    fn table(&mut self, table: &Value) {
        let mut rows: Vec<Vec<Inline>> = text(table, "/caption")
            .or_else(|| text(table, "/caption/text"))
            .map(|caption| vec![plain(caption)])
            .into_iter()
            .collect();
        for row in list(table, "rows") {
            let cells = row.as_array().map(Vec::as_slice).unwrap_or_default();
            let cells: Vec<Vec<Inline>> = cells.iter().map(|cell| self.cell(cell)).collect();
            rows.extend(row_line(cells));
        }
        if rows.is_empty() {
            self.kept.push(kept(table));
        } else {
            let lines = rows.join(&plain("\n"));
            self.paragraphs.push(Paragraph::Text(lines));
        }
    }

    /// What a cell says, on one line.
    fn cell(&mut self, cell: &Value) -> Vec<Inline> {
        let mut paragraphs = Vec::new();
        match (kind(cell), any_words(cell)) {
            ("rich_text", _) => {
                rich_text::read(cell, self.text, &mut paragraphs, &mut self.kept);
            }
            ("raw_number", _) if cell.get("value").is_some_and(Value::is_number) => {
                paragraphs.extend(cell.get("value").map(Value::to_string).map(in_paragraph));
            }
            (_, Some(words)) => paragraphs.push(in_paragraph(mrkdwn::unescape(words))),
            ("raw_text", None) => {}
            (_, None) => self.kept.push(kept(cell)),
        }
        on_one_line(paragraphs)
    }

    fn attachments(&mut self, attachments: &[Value]) {
        for attachment in attachments {
            self.attachment(attachment);
        }
    }

    /// What hangs on a message: a message forwarded, a pasted table, a preview (`slack.md` 3.2).
    fn attachment(&mut self, attachment: &Value) {
        let is = |flag: &str| attachment.get(flag).and_then(Value::as_bool) == Some(true);
        let leads_somewhere = ["/from_url", "/original_url", "/app_unfurl_url"]
            .iter()
            .any(|pointer| text(attachment, pointer).is_some());
        if is("is_share") {
            let message = forwarded(attachment, self.depth + 1);
            self.kept.push(KeptPart::Forwarded(Box::new(message)));
        } else if is("is_msg_unfurl") || is("is_app_unfurl") || leads_somewhere {
            // Slack shows it for an address that stands in the words; a customer gets the address.
        } else {
            self.pasted(attachment);
        }
    }

    /// People paste tables; other contents are those of bots and workflows, and not for customers.
    fn pasted(&mut self, attachment: &Value) {
        let (tables, others): (Vec<&Value>, Vec<&Value>) = list(attachment, "blocks")
            .iter()
            .partition(|block| matches!(kind(block), "table" | "data_table"));
        for table in &tables {
            self.table(table);
        }
        if others.is_empty() && tables.is_empty() {
            self.kept.push(unreadable("attachment"));
        }
        self.kept.extend(others.into_iter().map(kept));
    }
}

/// Reads a message that was forwarded (`slack.md` 3.2).
fn forwarded(attachment: &Value, depth: usize) -> AgentMessage {
    let mut reader = Reader::new(attachment, depth);
    if depth > MAX_DEPTH {
        reader.kept.push(unreadable("attachment"));
        return reader.finish(Vec::new());
    }
    for part in list(attachment, "message_blocks") {
        let message = part.get("message").unwrap_or(&Value::Null);
        reader.blocks(list(message, "blocks"));
        reader.attachments(list(message, "attachments"));
    }
    reader.fall_back_on_text();
    reader.attachments(list(attachment, "attachments"));
    reader.finish(files(attachment))
}

fn files(message: &Value) -> Vec<Attachment> {
    list(message, "files").iter().map(parse::attachment).collect()
}

fn kept(block: &Value) -> KeptPart {
    if kind(block) == "image" { KeptPart::Image } else { unreadable(kind(block)) }
}

/// The name goes into a line that people read, so it is short whatever the sender put there.
pub(super) fn unreadable(kind: &str) -> KeptPart {
    let is_shown = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let kind: String = kind.chars().filter(is_shown).take(40).collect();
    KeptPart::Unreadable { kind: if kind.is_empty() { "?".to_owned() } else { kind } }
}

/// The line of a row: its cells set apart, each in its place; none if there are no words in it.
fn row_line(mut cells: Vec<Vec<Inline>>) -> Option<Vec<Inline>> {
    let is_empty = |cell: &Vec<Inline>| is_blank(&[Paragraph::Text(cell.clone())]);
    let last = cells.iter().rposition(|cell| !is_empty(cell))?;
    cells.truncate(last + 1);
    for cell in cells.iter_mut().filter(|cell| is_empty(cell)) {
        *cell = vec![plain(EMPTY_CELL)];
    }
    Some(cells.join(&plain(CELL_BREAK)))
}

/// The runs of all paragraphs without a line break.
fn on_one_line(paragraphs: Vec<Paragraph>) -> Vec<Inline> {
    let lines = paragraphs.into_iter().map(|paragraph| match paragraph {
        Paragraph::Text(runs) | Paragraph::Quote(runs) | Paragraph::Item { text: runs, .. } => runs,
        Paragraph::Code(code) => vec![plain(&code)],
    });
    let mut runs = lines.collect::<Vec<_>>().join(&plain(" "));
    for run in &mut runs {
        if let Inline::Text { text, .. } = run {
            *text = text.replace('\n', " ");
        }
    }
    runs
}

fn is_blank(paragraphs: &[Paragraph]) -> bool {
    Rich(paragraphs.to_vec()).is_blank()
}

fn in_paragraph(text: impl Into<String>) -> Paragraph {
    Paragraph::Text(vec![Inline::Text { text: text.into(), style: Style::default() }])
}

fn plain(text: &str) -> Inline {
    Inline::Text { text: text.to_owned(), style: Style::default() }
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
