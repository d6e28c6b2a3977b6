//! Active messages as Blip Desk sends them, and the check of a number before one (blip.md,
//! additions §1.3, §1.4, §2).

use serde_json::{Value, json};
use uuid::Uuid;

use super::lime::{Command, Failure, Outcome, TICKET, collection};
use super::state::{Caller, NewTicket, State, WHATSAPP, date};
use super::{templates, tickets};

const FULL_CAMPAIGN: &str = "application/vnd.iris.activecampaign.full-campaign+json";
const CAMPAIGN: &str = "application/vnd.iris.activecampaign.campaign+json";
const SUMMARY: &str = "application/vnd.iris.activecampaign.campaign-summary+json";
const ACCOUNT: &str = "application/vnd.lime.account+json";
/// How many numbers may be checked in a row to none of which anything is sent: Meta bans accounts
/// that check many.
const MOST_CHECKS: u32 = 10;

/// An active message.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Its id.
    pub id: String,
    /// Its name, which no other has.
    pub name: String,
    /// The flow and the block in it where the answer enters, if they are named.
    pub enters: Option<(String, String)>,
    /// The bot behind the router that gets the answer, if it is named.
    pub master_state: Option<String>,
    /// The template.
    pub template: String,
    /// To whom it went.
    pub recipient: String,
    /// What became of it: `DELIVERED` or `FAILED`.
    pub status: String,
    /// Why it failed, as a code and in words.
    pub reason: Option<(i64, String)>,
    created: String,
}

/// Runs a command for active messages.
pub(super) fn run(state: &mut State, command: &Command, path: &[&str], caller: Caller) -> Outcome {
    if caller != state.channel_owner() {
        return Err(Failure::world(67, "The requested resource was not found"));
    }
    match (command.method.as_str(), path) {
        ("set", ["campaign", "full"]) => start(state, command),
        ("get", ["campaigns"]) => {
            let found = state.campaigns.iter().rev().map(render).collect();
            tickets::page(command, found, CAMPAIGN)
        }
        ("get", ["campaigns", id]) => Ok(Some((CAMPAIGN, render(find(state, id)?)))),
        ("get", ["campaigns", id, "summaries"]) => {
            let summary = summarize(find(state, id)?);
            Ok(Some(collection(SUMMARY, &[summary])))
        }
        _ => Err(Failure::unsupported()),
    }
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a Campaign, Failure> {
    let missing = || Failure::world(67, "The campaign was not found");
    state.campaigns.iter().find(|it| it.id == id).ok_or_else(missing)
}

/// `set /campaign/full` for one recipient.
fn start(state: &mut State, command: &Command) -> Outcome {
    let full = command.resource(FULL_CAMPAIGN)?.clone();
    let (campaign, audience, message) = (&full["campaign"], &full["audience"], &full["message"]);
    let text = |of: &Value, key: &str| {
        let found = of[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        found.ok_or_else(|| Failure::mistake(23, format!("{key} is missing")))
    };
    let name = text(campaign, "name")?;
    for of in [campaign, message] {
        if text(of, "channelType")? != "WhatsApp" {
            return Err(Failure::mistake(64, "the channel is not WhatsApp"));
        }
    }
    if text(campaign, "campaignType")? != "Individual" {
        return Err(Failure::mistake(64, "only active messages to one are modelled"));
    }
    if state.campaigns.iter().any(|it| it.name == name) {
        return Err(Failure::world(64, "There is a campaign of this name already"));
    }
    let enters = read_entry(campaign)?;
    let master_state =
        text(campaign, "masterstate").or_else(|_| text(campaign, "masterState")).ok();
    if master_state.is_some() && state.setup.router.is_none() {
        return Err(Failure::mistake(23, "without a router there is no masterstate"));
    }
    let recipient = text(audience, "recipient")?;
    let digits = recipient.strip_prefix('+').filter(|it| it.bytes().all(|b| b.is_ascii_digit()));
    let digits = digits.ok_or_else(|| Failure::mistake(26, "the recipient is no +number"))?;
    let identity = account_of(digits);
    if has_open_ticket(state, &identity) && !allows_open_tickets(state) {
        return Err(Failure::world(66, "The contact has an open ticket"));
    }
    let (template, language) =
        (text(message, "messageTemplate")?, text(message, "messageTemplateLanguage")?);
    let values = read_values(audience, message)?;
    let content = templates::fill_by_order(state, (&template, &language), &values);
    let id = Uuid::new_v4().to_string();
    let reason = if state.setup.without_whatsapp.contains(&recipient) {
        Some((131_026, "Message undeliverable"))
    } else {
        templates::send(state, Caller::Router, &id, (&identity, &content))
    };
    let campaign = Campaign {
        id,
        name,
        enters,
        master_state,
        template,
        recipient,
        status: if reason.is_some() { "FAILED" } else { "DELIVERED" }.to_owned(),
        reason: reason.map(|(code, why)| (code, why.to_owned())),
        created: date(state.now),
    };
    let answer = render(&campaign);
    state.campaigns.push(campaign);
    state.checks_in_vain = 0;
    Ok(Some((CAMPAIGN, answer)))
}

/// The flow and the block where the answer enters: both or none.
fn read_entry(campaign: &Value) -> Result<Option<(String, String)>, Failure> {
    match (campaign["flowId"].as_str(), campaign["stateId"].as_str()) {
        (Some(flow), Some(block)) => Ok(Some((flow.to_owned(), block.to_owned()))),
        (None, None) => Ok(None),
        _ => Err(Failure::mistake(23, "a block is in a flow, and a flow has a block")),
    }
}

/// The values that the message names, in its order.
fn read_values(audience: &Value, message: &Value) -> Result<Vec<String>, Failure> {
    let keys = message["messageParams"].as_array().into_iter().flatten();
    let value = |key: &Value| {
        let value = key.as_str().and_then(|key| audience["messageParams"][key].as_str());
        let value = value.map(str::to_owned);
        value.ok_or_else(|| Failure::mistake(23, "a parameter has no value"))
    };
    keys.map(value).collect()
}

fn render(campaign: &Campaign) -> Value {
    let mut out = json!({ "id": campaign.id, "name": campaign.name, "campaignType": "INDIVIDUAL",
        "status": "EXECUTED", "created": campaign.created, "tags": [], "isToUseLiteApi": false,
        "channelType": "WHATSAPP", "canSendWithOpenTicket": false });
    if let Some((flow, block)) = &campaign.enters {
        out["flowId"] = json!(flow);
        out["stateId"] = json!(block);
    }
    if let Some(bot) = &campaign.master_state {
        out["masterState"] = json!(bot);
    }
    out
}

/// Mind the capitals.
fn summarize(campaign: &Campaign) -> Value {
    let mut told = json!({ "RecipientIdentity": campaign.recipient, "Status": campaign.status });
    if let Some((code, why)) = &campaign.reason {
        told["ReasonCode"] = json!(code);
        told["ReasonDescription"] = json!(why);
    }
    json!({ "id": campaign.id, "name": campaign.name, "messageTemplate": campaign.template,
        "sendDate": campaign.created, "statusAudience": [told] })
}

/// `get lime://wa.gw.msging.net/accounts/+…`: without the plus, every number seems to exist.
pub(super) fn check_number(state: &mut State, number: &str, caller: Caller) -> Outcome {
    if caller != state.channel_owner() {
        return Err(Failure::world(67, "The requested resource was not found"));
    }
    state.checks_in_vain += 1;
    if state.checks_in_vain > MOST_CHECKS {
        let why = "many numbers are checked, and nothing is sent to any: Meta bans such accounts";
        state.violations.push(why.to_owned());
    }
    if state.setup.without_whatsapp.iter().any(|it| it == number) {
        return Err(Failure::world(67, "The account was not found"));
    }
    let digits = number.trim_start_matches('+');
    Ok(Some((
        ACCOUNT,
        json!({ "fullName": "", "alternativeAccount": account_of(digits), "identity": number,
            "phoneNumber": number, "source": "WhatsApp" }),
    )))
}

/// The account of a number, which is not made of its digits: WhatsApp knows most mobile numbers of
/// Brazil without the ninth digit.
fn account_of(digits: &str) -> String {
    let has_ninth = digits.len() == 13 && digits.starts_with("55") && digits.get(4..5) == Some("9");
    let known = match (has_ninth, digits.get(..4), digits.get(5..)) {
        (true, Some(area), Some(rest)) => format!("{area}{rest}"),
        _ => digits.to_owned(),
    };
    format!("{known}@{WHATSAPP}")
}

fn has_open_ticket(state: &State, identity: &str) -> bool {
    state.tickets.values().filter(|ticket| !ticket.is_closed()).any(|ticket| {
        let tunnel = state.tunnel(&ticket.customer);
        tunnel.map_or(ticket.customer.as_str(), |tunnel| &tunnel.originator) == identity
    })
}

fn allows_open_tickets(state: &State) -> bool {
    let is_it = |(name, value): &(String, String)| {
        name == "ActiveMessageCanSendWithOpenTicket" && value.eq_ignore_ascii_case("true")
    };
    state.setup.configuration.iter().any(is_it)
}

/// `set /tickets`: a ticket from the agents' side. The team that is answered is `Default`, whatever
/// was asked for; the channel is told of it as of any other.
pub(super) fn create_ticket(state: &mut State, command: &Command) -> Outcome {
    let resource = command.resource(TICKET)?;
    let identity = resource["customerIdentity"].as_str();
    let identity = identity.ok_or_else(|| Failure::mistake(23, "customerIdentity is missing"))?;
    let domain = identity.rsplit('@').next().unwrap_or_default().to_owned();
    let new = NewTicket {
        name: None,
        identity: identity.to_owned(),
        domain,
        first: ("text/plain".to_owned(), json!("")),
        ..NewTicket::default()
    };
    let id = state.open_ticket(new, None);
    state.announce(&id);
    let ticket = state.tickets.get(&id);
    Ok(ticket.map(|ticket| (TICKET, state.render(ticket))))
}
