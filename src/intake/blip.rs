//! `POST /blip/webhook[/{bot}]`: token → lane and key → inbox → `200`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::body::{header_names, media_type, read_body};
use super::error::Error;
use super::events::EventDoor;
use super::rejected_requests::RejectedRequestLog;
use crate::blip::parse::{self, RoutedEnvelope};
use crate::model::BotName;
use crate::store::{Lane, NewItem, Source};
use crate::telemetry;

/// How a Blip bot proves that it is one.
#[derive(Clone)]
pub(crate) struct WebhookAuth {
    /// The tokens that are accepted; none means that every request is.
    pub(crate) tokens: Vec<SecretString>,
    /// The header that carries the token.
    pub(crate) header: String,
}

/// Takes in what Blip sends.
pub(crate) struct BlipDoor {
    pub(crate) events: Arc<EventDoor>,
    /// How each bot proves that it is one, by its name.
    pub(crate) bots: HashMap<BotName, WebhookAuth>,
    /// The former names of bots: open tickets of theirs keep them.
    pub(crate) former: HashMap<BotName, Vec<BotName>>,
    /// What would fill the log if strangers had their way.
    pub(crate) rejected_log: RejectedRequestLog,
}

/// Takes events of the only bot, or of the one without a name.
pub(super) async fn accept_from_only_bot(
    State(door): State<Arc<BlipDoor>>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Error> {
    let mut names = door.bots.keys();
    let bot = match (names.next(), names.next()) {
        // One bot needs no name in the path, whatever it is called in the settings.
        (Some(only), None) => only.clone(),
        _ => BotName::default(),
    };
    accept_events(&door, &bot, &headers, body).await
}

/// Takes events of the bot that is named in the path.
pub(super) async fn accept_from_bot(
    State(door): State<Arc<BlipDoor>>,
    Path(bot): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Error> {
    let bot = BotName::parse(&bot).ok_or(Error::NoSuchBot)?;
    accept_events(&door, &bot, &headers, body).await
}

#[tracing::instrument(level = "error", name = "request", skip_all, fields(from = "blip"))]
async fn accept_events(
    door: &BlipDoor,
    bot: &BotName,
    headers: &HeaderMap,
    body: Body,
) -> Result<StatusCode, Error> {
    let auth = door.bots.get(bot).ok_or(Error::NoSuchBot)?;
    if !auth.has_valid_token(headers) {
        telemetry::count_rejected(Source::Blip.name());
        if let Some(times) = door.rejected_log.unauthorized.note_occurrence() {
            tracing::warn!(%bot, times, headers = header_names(headers),
                "a call to the Blip webhook had no token that we accept; if Blip sends it in \
                another header, name that in BLIP_WEBHOOK_HEADER");
        }
        // Before the body is read: who has no token can make us hold nothing.
        return Err(Error::Unauthorized);
    }
    if !is_json_or_text(headers) {
        return Err(Error::UnsupportedType);
    }
    let body = read_body(body).await?;
    // Blip was only seen to send one (`blip.md` §1.2). If one of several cannot be stored, all of
    // them come again, and those that were are recognised.
    for routed in parse::parse_envelopes(bot, &body).map_err(|_not_json| Error::NotAnEvent)? {
        let routed = resolve_former_bot(door, bot, routed).await?;
        door.events.store_event(to_new_item(routed, door.events.clock.now())).await?;
    }
    Ok(StatusCode::OK)
}

/// The event as one of a ticket that was opened while the bot had another name, if it is.
async fn resolve_former_bot(
    door: &BlipDoor,
    bot: &BotName,
    routed: RoutedEnvelope,
) -> Result<RoutedEnvelope, Error> {
    for name in door.former.get(bot).into_iter().flatten() {
        let former = parse::parse_envelopes(name, &routed.raw).unwrap_or_default();
        for former in former {
            let Some(ticket) = &former.ticket else { continue };
            // The one question that a door asks before it stores: only the store knows under which
            // name a ticket was opened
            // (`a_bot_that_comes_back_under_another_name_keeps_its_tickets`).
            let known = door.events.store.load_ticket(ticket).await.map_err(|error| {
                tracing::error!(%error, "a ticket could not be looked up; the sender is asked to repeat");
                door.events.has_refused.notify_one();
                Error::NotStored
            })?;
            if known.is_some() {
                return Ok(former);
            }
        }
    }
    Ok(routed)
}

fn to_new_item(routed: RoutedEnvelope, received: Timestamp) -> NewItem {
    if let Some(kind) = &routed.unknown {
        tracing::warn!(
            kind,
            bytes = routed.raw.len(),
            "blip sent something that belongs to no ticket, or that cannot be read; it is stored, and shown to nobody"
        );
        telemetry::count_unknown(Source::Blip.name());
    }
    let lane = match routed.ticket {
        Some(ticket) => Lane::Ticket(ticket),
        // A lane of its own, so that what nobody understands holds nobody up.
        None => Lane::Own(format!("blip:{}", routed.key)),
    };
    let (key, body) = (routed.key, routed.raw);
    NewItem { source: Source::Blip, lane, key, body, received, due: received }
}

/// Blip does not say which type it sends (`blip.md` §1.2), so only what cannot be JSON is refused.
fn is_json_or_text(headers: &HeaderMap) -> bool {
    let media_type = media_type(headers);
    let encoded = headers.get(axum::http::header::CONTENT_ENCODING);
    let plain =
        encoded.is_none_or(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    plain
        && (media_type.is_empty()
            || media_type == "application/json"
            || media_type.ends_with("+json")
            || media_type.starts_with("text/")
            || media_type == "application/x-www-form-urlencoded")
}

impl WebhookAuth {
    /// Whether the request carries a token that we accept.
    ///
    /// Blip does not document the form (`blip.md` §1.2), so the token is taken with or without a
    /// scheme; from the configured header only, as a proxy may put words of its own into others.
    fn has_valid_token(&self, headers: &HeaderMap) -> bool {
        if self.tokens.is_empty() {
            return true;
        }
        let values = headers.get_all(self.header.as_str()).iter();
        let offered: Vec<String> =
            values.filter_map(|value| value.to_str().ok()).flat_map(list_token_forms).collect();
        // No short cut: each offer is compared with each token, whatever came before.
        let matches = offered
            .iter()
            .flat_map(|offer| self.tokens.iter().map(move |t| is_same_token(offer, t)));
        matches.fold(false, |any, one| any | one)
    }
}

/// All the ways in which a header's value may hold the token.
fn list_token_forms(value: &str) -> Vec<String> {
    let value = value.trim();
    let mut forms = vec![value.to_owned()];
    if let Some((scheme, rest)) = value.split_once(' ') {
        let rest = rest.trim();
        let scheme = scheme.to_ascii_lowercase();
        if ["key", "bearer", "basic", "token"].contains(&scheme.as_str()) {
            forms.push(rest.to_owned());
        }
        // So a proxy or a form of the portal would send it: as a password, or as the whole pair.
        if scheme == "basic"
            && let Some(pair) = STANDARD.decode(rest).ok().and_then(|b| String::from_utf8(b).ok())
        {
            forms.extend(pair.split_once(':').map(|(_, password)| password.to_owned()));
            forms.push(pair);
        }
    }
    forms
}

/// Compares in a time that depends on neither content nor length.
fn is_same_token(offer: &str, token: &SecretString) -> bool {
    let token = Sha256::digest(token.expose_secret().as_bytes());
    // Of hashes, because comparing in constant time needs texts of one length.
    Sha256::digest(offer.as_bytes()).ct_eq(&token).into()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn door(header: &str) -> WebhookAuth {
        let tokens = ["old-token", "bm92bw==:x"].map(|t| SecretString::from(t.to_owned())).to_vec();
        WebhookAuth { tokens, header: header.to_owned() }
    }

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        headers
    }

    #[test]
    fn a_token_is_found_in_every_form_that_blip_may_use() {
        let basic = format!("Basic {}", STANDARD.encode("user:old-token"));
        for value in [
            "old-token",
            "Key old-token",
            "Bearer old-token",
            "Basic old-token",
            &basic,
            "bm92bw==:x",
        ] {
            assert!(
                door("Authorization").has_valid_token(&headers("authorization", value)),
                "{value}"
            );
        }
        assert!(door("X-Token").has_valid_token(&headers("x-token", "old-token")));
        assert!(!door("X-Token").has_valid_token(&headers("authorization", "old-token")));
    }

    #[test]
    fn other_tokens_are_turned_away() {
        for value in ["", "old-toke", "old-token2", "Digest old-token", "old-token old-token"] {
            assert!(
                !door("Authorization").has_valid_token(&headers("authorization", value)),
                "{value}"
            );
        }
        assert!(!door("Authorization").has_valid_token(&headers("x-token", "old-token")));
        assert!(!door("Authorization").has_valid_token(&HeaderMap::new()));
    }
}
