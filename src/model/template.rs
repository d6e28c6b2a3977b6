//! Templates of WhatsApp: what an agent chooses from, and one that is filled in.
//!
//! Outside of the 24 hours they are all that reaches a customer (`blip.md`, additions §1). Knows
//! neither how Blip writes them nor how they look.

use super::text::{to_one_line, truncate_label};

/// What stands in the place of a variable where people are shown what it stands for.
const VARIABLE_GAP: &str = "____";

/// A template that can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageTemplate {
    /// What tells it from all others.
    pub(crate) id: String,
    /// Its name, which occurs once per language.
    pub(crate) name: String,
    /// Its language, as `pt_BR`.
    pub(crate) language: String,
    /// What stands above the words.
    pub(crate) header: Option<TemplateHeader>,
    /// The words, with variables such as `{{1}}`.
    pub(crate) body: String,
    /// What stands below them.
    pub(crate) footer: Option<String>,
    /// The buttons, in order.
    pub(crate) buttons: Vec<TemplateButton>,
}

/// What stands above the words of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TemplateHeader {
    /// A title, which may have a variable.
    Text(String),
    /// A file, whose address is given with each message.
    File(HeaderFile),
}

/// A file above the words of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderFile {
    /// A picture, which is shown.
    Image,
    /// A film, which plays in its place.
    Video,
    /// Any other file, which shows as its name.
    Document,
}

/// A button below a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateButton {
    pub(crate) label: String,
    /// The address that it opens, which may end with a variable.
    pub(crate) url: Option<String>,
}

/// Something that is to be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateField {
    /// The address of the file above the words.
    File(HeaderFile),
    /// A variable of the title, by its name.
    Title(String),
    /// A variable of the words, by its name.
    Body(String),
    /// The end of the address behind a button, by the button's place.
    Button(usize),
}

/// A template as it goes to a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilledTemplate {
    pub(crate) name: String,
    pub(crate) language: String,
    /// What was filled in.
    pub(crate) values: Vec<(TemplateField, String)>,
    /// What the customer reads.
    pub(crate) text: String,
}

impl FilledTemplate {
    /// What was typed for its variables, each on a line; none if it has none.
    pub(crate) fn typed_values(&self) -> Option<String> {
        let values: Vec<&str> = self.values.iter().map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join("\n"))
    }
}

impl HeaderFile {
    pub(crate) const ALL: [Self; 3] = [Self::Image, Self::Video, Self::Document];

    /// What WhatsApp calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Document => "document",
        }
    }

    /// Reads [`HeaderFile::name`] back, however it is written.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.name().eq_ignore_ascii_case(name))
    }
}

impl TemplateField {
    fn title_name(&self) -> Option<&str> {
        match self {
            Self::Title(name) => Some(name),
            Self::File(_) | Self::Body(_) | Self::Button(_) => None,
        }
    }

    fn body_name(&self) -> Option<&str> {
        match self {
            Self::Body(name) => Some(name),
            Self::File(_) | Self::Title(_) | Self::Button(_) => None,
        }
    }
}

impl MessageTemplate {
    /// All that is to be filled in, in the order in which it is read.
    pub(crate) fn fields(&self) -> Vec<TemplateField> {
        let mut fields = Vec::new();
        match &self.header {
            None => {}
            Some(TemplateHeader::File(file)) => fields.push(TemplateField::File(*file)),
            Some(TemplateHeader::Text(title)) => {
                fields.extend(list_variables(title).map(|it| TemplateField::Title(it.to_owned())));
            }
        }
        let mut names: Vec<&str> = Vec::new();
        for name in list_variables(&self.body) {
            // One that stands twice is filled in once: Meta wants each variable, and none too many
            // (`blip.md`, additions §1.2).
            if !names.contains(&name) {
                names.push(name);
            }
        }
        // Those with numbers are filled in by their places, in whatever order they occur.
        names.sort_by_key(|name| name.parse::<u32>().unwrap_or_default());
        fields.extend(names.into_iter().map(|name| TemplateField::Body(name.to_owned())));
        let with_variable = self.buttons.iter().enumerate().filter(|(_, button)| {
            button.url.as_deref().is_some_and(|url| list_variables(url).next().is_some())
        });
        fields.extend(with_variable.map(|(place, _)| TemplateField::Button(place)));
        fields
    }

    /// Whether there are variables only where an active message has places for them: a file above the
    /// words, and numbers in them (`blip.md`, additions §1.3).
    pub(crate) fn has_only_places(&self) -> bool {
        self.fields().iter().all(|field| match field {
            TemplateField::File(_) => true,
            TemplateField::Body(name) => name.parse::<u32>().is_ok(),
            TemplateField::Title(_) | TemplateField::Button(_) => false,
        })
    }

    /// The template with its variables filled in.
    pub(crate) fn fill(&self, values: Vec<(TemplateField, String)>) -> FilledTemplate {
        let text = self.write_text(&values);
        FilledTemplate { name: self.name.clone(), language: self.language.clone(), values, text }
    }

    /// The words around a variable, with a gap in its place: by its number alone nobody knows what it
    /// stands for.
    pub(crate) fn quote_variable(&self, field: &TemplateField, chars: usize) -> String {
        let (text, name) = match (field, &self.header) {
            (TemplateField::Body(name), _) => (&self.body, name),
            (TemplateField::Title(name), Some(TemplateHeader::Text(title))) => (title, name),
            _ => return String::new(),
        };
        let fill = |found: &str| Some(if found == name { VARIABLE_GAP } else { "…" });
        let line = to_one_line(&fill_known_variables(text, fill));
        let (before, after) = line.split_once(VARIABLE_GAP).unwrap_or((&line, ""));
        let (before, after) = (keep_last_words(before, chars), truncate_label(after, chars));
        format!("{before}{VARIABLE_GAP}{after}")
    }

    /// What the customer reads; variables without a value stay as they are written.
    pub(crate) fn write_text(&self, values: &[(TemplateField, String)]) -> String {
        let fill = |text: &str, name_of: fn(&TemplateField) -> Option<&str>| {
            let named = values.iter().filter_map(|(field, value)| Some((name_of(field)?, value)));
            let named: Vec<_> = named.collect();
            fill_known_variables(text, |wanted| {
                named.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str())
            })
        };
        let mut parts = Vec::new();
        match &self.header {
            None => {}
            Some(TemplateHeader::Text(title)) => parts.push(fill(title, TemplateField::title_name)),
            Some(TemplateHeader::File(_)) => {
                let file = values.iter().find(|(field, _)| matches!(field, TemplateField::File(_)));
                parts.extend(file.map(|(_, address)| address.clone()));
            }
        }
        parts.push(fill(&self.body, TemplateField::body_name));
        parts.extend(self.footer.clone());
        parts.extend(self.buttons.iter().map(|button| format!("[{}]", button.label)));
        parts.join("\n")
    }
}

/// As many whole words at the end of a text as fit.
fn keep_last_words(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    let starts = text.rmatch_indices(' ').filter_map(|(start, _)| text.get(start..));
    let kept = starts.take_while(|words| words.chars().count() <= chars).last();
    format!("…{}", kept.unwrap_or_default())
}

/// The names of the variables in a text, in order; one may occur several times.
pub(crate) fn list_variables(text: &str) -> impl Iterator<Item = &str> {
    // Any name, not only numbers: Meta has both (`blip.md`, additions §1.1).
    text.split("{{").skip(1).filter_map(|after| Some(after.split_once("}}")?.0.trim()))
}

/// A text with the variables that are known in their places. What is filled in is not looked
/// through again: an agent may write what reads like a variable.
pub(crate) fn fill_known_variables<'v>(
    text: &str,
    value_of: impl Fn(&str) -> Option<&'v str>,
) -> String {
    let mut parts = text.split("{{");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let known =
            part.split_once("}}").and_then(|(name, after)| Some((value_of(name.trim())?, after)));
        if let Some((value, after)) = known {
            filled.push_str(value);
            filled.push_str(after);
        } else {
            filled.push_str("{{");
            filled.push_str(part);
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_shown_with_the_words_around_it() {
        let body =
            "Oi {{1}}, seu pedido {{2}}\nestá pronto na loja do centro, perto da praça: {{3}}";
        let template = MessageTemplate {
            id: "1".to_owned(),
            name: "pedido".to_owned(),
            language: "pt_BR".to_owned(),
            header: Some(TemplateHeader::Text("Pedido {{1}} pronto".to_owned())),
            body: body.to_owned(),
            footer: None,
            buttons: Vec::new(),
        };
        let body = |name: &str| TemplateField::Body(name.to_owned());
        for (field, quoted) in [
            (body("1"), "Oi ____, seu pedido … está pronto…"),
            (body("2"), "Oi …, seu pedido ____ está pronto na loja do ce…"),
            (body("3"), "… centro, perto da praça: ____"),
            (TemplateField::Title("1".to_owned()), "Pedido ____ pronto"),
        ] {
            assert_eq!(template.quote_variable(&field, 27), quoted, "{field:?}");
        }
    }

    #[test]
    fn a_text_is_filled_in_once_and_what_is_unknown_stays() {
        for (text, values, filled) in [
            ("Oi {{1}}, {{2}}!", vec![("1", "Ana"), ("2", "{{1}}")], "Oi Ana, {{1}}!"),
            ("Oi {{ nome }}", vec![("nome", "Ana")], "Oi Ana"),
            ("{{1}} {{3}} {{", vec![("1", "Ana")], "Ana {{3}} {{"),
            ("sem nada", vec![], "sem nada"),
        ] {
            let value_of =
                |wanted: &str| values.iter().find(|(name, _)| *name == wanted).map(|it| it.1);
            assert_eq!(fill_known_variables(text, value_of), filled, "{text}");
        }
        assert_eq!(list_variables("{{1}} a {{ b }} {{c").collect::<Vec<_>>(), ["1", "b"]);
    }
}
