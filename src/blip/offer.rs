//! What an agent offers a customer, as LIME documents (`blip.md` §6).

use std::borrow::Cow;

use serde_json::{Value, json};

use super::outgoing::OutgoingDocument;
use super::{content, lenient};
use crate::model::{Content, Offer};

/// What Blip is sent: the LIME document of a menu, a place or whatever else the composer offers.
pub(crate) fn to_lime_document(offer: &Offer) -> OutgoingDocument {
    let (kind, content) = write_offer(offer);
    OutgoingDocument { kind, content }
}

/// The same as it would read had a customer sent it.
pub(crate) fn read_offer(offer: &Offer) -> Content {
    offer.to_content().unwrap_or_else(|| {
        let (kind, document) = write_offer(offer);
        content::read_content(&kind, &document)
    })
}

/// A document, as JSON, with each of its texts as `fill` makes it.
pub(crate) fn fill_document(document: &str, fill: &impl Fn(&str) -> String) -> String {
    let mut document = lenient::parse_json(document).unwrap_or_default();
    fill_texts(&mut document, fill);
    document.to_string()
}

fn fill_texts(value: &mut Value, fill: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = fill(text),
        Value::Array(items) => items.iter_mut().for_each(|item| fill_texts(item, fill)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill_texts(field, fill)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn write_offer(offer: &Offer) -> (Cow<'static, str>, Value) {
    match offer {
        Offer::Document { kind, content } => {
            (Cow::Owned(kind.clone()), lenient::parse_json(content).unwrap_or_default())
        }
        Offer::Options { text, options, quick } => {
            // The answer is the value if there is one: a number would tell the agent nothing.
            let option = |(number, option): (usize, &String)| json!({"order": number + 1, "text": option, "type": "text/plain", "value": option});
            let options: Vec<Value> = options.iter().enumerate().map(option).collect();
            let mut select = json!({"text": text, "options": options});
            if let (Some(select), true) = (select.as_object_mut(), *quick) {
                // So LIME calls what must be answered now; channels show it as buttons.
                select.insert("scope".to_owned(), "immediate".into());
            }
            (Cow::Borrowed("application/vnd.lime.select+json"), select)
        }
        Offer::Place { latitude, longitude, label } => {
            let place = json!({"latitude": latitude, "longitude": longitude, "text": label});
            (Cow::Borrowed("application/vnd.lime.location+json"), without_nulls(place))
        }
        Offer::Link { url, title, text } => {
            let link = json!({"uri": url, "title": title, "text": text});
            (Cow::Borrowed("application/vnd.lime.web-link+json"), without_nulls(link))
        }
    }
}

/// Without what was left out.
fn without_nulls(mut document: Value) -> Value {
    if let Some(fields) = document.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blip::content;

    #[test]
    fn offers_look_like_blips_own_examples() {
        let options = ["Sim", "Não"].map(str::to_owned).to_vec();
        let quick = Offer::Options { text: "Confirma?".to_owned(), options, quick: true };
        let (kind, select) = write_offer(&quick);
        assert_eq!(kind, "application/vnd.lime.select+json");
        assert_eq!(
            select,
            json!({"scope": "immediate", "text": "Confirma?", "options": [
                {"order": 1, "text": "Sim", "type": "text/plain", "value": "Sim"},
                {"order": 2, "text": "Não", "type": "text/plain", "value": "Não"},
            ]})
        );
        let place = Offer::Place { latitude: -22.5, longitude: -45.25, label: None };
        assert_eq!(write_offer(&place).1, json!({"latitude": -22.5, "longitude": -45.25}));
    }

    #[test]
    fn a_prepared_document_goes_out_as_it_is_but_for_its_variables() {
        let prepared = r#"{"text":"Oi, X!","options":[{"order":1,"text":"Sim","value":"X"}]}"#;
        let content = fill_document(prepared, &|text| text.replace('X', "\"Ana\""));
        let offer =
            Offer::Document { kind: "application/vnd.lime.select+json".to_owned(), content };
        let OutgoingDocument { kind, content } = to_lime_document(&offer);
        let options = json!([{"order": 1, "text": "Sim", "value": "\"Ana\""}]);
        assert_eq!(kind, "application/vnd.lime.select+json");
        assert_eq!(content, json!({"text": "Oi, \"Ana\"!", "options": options}));
        let (text, options) = ("Oi, \"Ana\"!".to_owned(), vec!["Sim".to_owned()]);
        assert_eq!(read_offer(&offer), Content::Choice { text, options });
    }

    #[test]
    fn an_offer_reads_as_it_was_meant() {
        let options = ["Sim", "Não"].map(str::to_owned).to_vec();
        let (url, title) = ("https://x.example".to_owned(), Some("X".to_owned()));
        for offer in [
            Offer::Options { text: "Confirma?".to_owned(), options, quick: false },
            Offer::Place { latitude: 1.5, longitude: 2.5, label: Some("Loja".to_owned()) },
            Offer::Link { url, title, text: None },
        ] {
            let (kind, document) = write_offer(&offer);
            assert_eq!(content::read_content(&kind, &document), read_offer(&offer));
        }
    }
}
