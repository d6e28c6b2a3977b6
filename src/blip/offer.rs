//! What an agent offers a customer, as LIME documents (`blip.md` §6).

use serde_json::{Value, json};

use super::documents::OutgoingDocument;
use crate::model::Offer;

/// The document that says it.
pub(crate) fn to_lime_document(offer: &Offer) -> OutgoingDocument {
    let (kind, content) = write_offer(offer);
    OutgoingDocument { kind, content }
}

fn write_offer(offer: &Offer) -> (&'static str, Value) {
    match offer {
        Offer::Options { text, options, quick } => {
            // The answer is the value if there is one: a number would tell the agent nothing.
            let option = |(number, option): (usize, &String)| json!({"order": number + 1, "text": option, "type": "text/plain", "value": option});
            let options: Vec<Value> = options.iter().enumerate().map(option).collect();
            let mut select = json!({"text": text, "options": options});
            if let (Some(select), true) = (select.as_object_mut(), *quick) {
                select.insert("scope".to_owned(), "immediate".into());
            }
            ("application/vnd.lime.select+json", select)
        }
        Offer::Place { latitude, longitude, label } => {
            let place = json!({"latitude": latitude, "longitude": longitude, "text": label});
            ("application/vnd.lime.location+json", without_nulls(place))
        }
        Offer::Link { url, title, text } => {
            let link = json!({"uri": url, "title": title, "text": text});
            ("application/vnd.lime.web-link+json", without_nulls(link))
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
    fn an_offer_reads_as_it_was_meant() {
        let options = ["Sim", "Não"].map(str::to_owned).to_vec();
        let (url, title) = ("https://x.example".to_owned(), Some("X".to_owned()));
        for offer in [
            Offer::Options { text: "Confirma?".to_owned(), options, quick: false },
            Offer::Place { latitude: 1.5, longitude: 2.5, label: Some("Loja".to_owned()) },
            Offer::Link { url, title, text: None },
        ] {
            let (kind, document) = write_offer(&offer);
            assert_eq!(content::read_content(kind, &document), offer.to_content());
        }
    }
}
