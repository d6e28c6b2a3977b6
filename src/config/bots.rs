//! The settings of the Blip bots: one without a name, or several with a part of each for itself.

use std::collections::HashMap;

use secrecy::SecretString;

use super::parse;
use super::reader::SettingsReader;
use super::variable::Need::When;
use super::variable::ValueForm::{Flag, Words};
use super::variable::ValuePrivacy::Secret;
use super::variable::{
    CHANNEL_FORM, SECRETS_FORM, URL_FORM, ValueForm, Variable, VariableGroup, variable,
};
use crate::model::{BotName, ChannelRef};

const BOT_NAMES_FORM: ValueForm =
    Words("a comma list of different names of a-z, 0-9 and _, none of them default");
const BLIP_KEY_FORM: ValueForm =
    Words("the value of the header, with or without the word Key before it");

const ANSWER_BLOCK_FORM: ValueForm = Words("the id of a flow, a slash, and the id of its block");

/// The settings of the only bot, some of which hold for every bot that has none of its own.
pub(super) const BLIP_TABLE: &[Variable] = &[
    variable(VariableGroup::Blip, "BLIP_KEY")
        .means("Authorization header of the bot that owns the tickets (connection information)")
        .form(BLIP_KEY_FORM, "your-key")
        .need(When("without BLIP_BOTS"))
        .privacy(Secret),
    variable(VariableGroup::Blip, "BLIP_ROUTER_KEY")
        .means("What BLIP_KEY is, of the bot with the WhatsApp channel (the router, if there is one): templates can be sent")
        .form(BLIP_KEY_FORM, "your-router-key")
        .privacy(Secret),
    variable(VariableGroup::Blip, "BLIP_ANSWER_BLOCK")
        .means("Where answers to active messages enter the bot, a block that leads to the desk: /blip novo works; needs BLIP_ROUTER_KEY")
        .form(ANSWER_BLOCK_FORM, "1b2c3d4e-5f60-4a7b-8c9d-0e1f2a3b4c5d/desk"),
    variable(VariableGroup::Blip, "BLIP_API_URL")
        .means("Address of your contract at Blip (connection information)")
        .form(URL_FORM, "https://your-contract.http.msging.net")
        .need(When("unless each bot of BLIP_BOTS has its own")),
    variable(VariableGroup::Blip, "BLIP_WEBHOOK_TOKEN")
        .means("Proves that a request is from Blip (custom channel); several while rotating")
        .form(SECRETS_FORM, "your-webhook-token")
        .need(When("with BLIP_KEY, unless BLIP_WEBHOOK_ALLOW_UNAUTHENTICATED"))
        .privacy(Secret),
    variable(VariableGroup::Blip, "BLIP_WEBHOOK_HEADER")
        .means("The header in which Blip sends that token; no other one is looked at")
        .form(Words("the name of an HTTP header"), "Authorization")
        .default("Authorization"),
    variable(VariableGroup::Blip, "BLIP_WEBHOOK_ALLOW_UNAUTHENTICATED")
        .means("Takes requests without that proof: only behind a gateway that checks them")
        .form(Flag, "false")
        .default("false"),
];

/// The settings of several bots.
pub(super) const BOTS_TABLE: &[Variable] = &[
    variable(VariableGroup::Bots, "BLIP_BOTS")
        .means("Short names of the bots; the webhook of vendas is /blip/webhook/vendas")
        .form(BOT_NAMES_FORM, "vendas,suporte"),
    variable(VariableGroup::Bots, "BLIP_{BOT}_KEY")
        .means("What BLIP_KEY is, for this bot")
        .form(BLIP_KEY_FORM, "your-key")
        .need(When("for each bot"))
        .privacy(Secret),
    variable(VariableGroup::Bots, "BLIP_{BOT}_ROUTER_KEY")
        .means("What BLIP_ROUTER_KEY is, for this bot")
        .form(BLIP_KEY_FORM, "your-router-key")
        .privacy(Secret),
    variable(VariableGroup::Bots, "BLIP_{BOT}_ANSWER_BLOCK")
        .means("What BLIP_ANSWER_BLOCK is, for this bot")
        .form(ANSWER_BLOCK_FORM, "1b2c3d4e-5f60-4a7b-8c9d-0e1f2a3b4c5d/desk"),
    variable(VariableGroup::Bots, "BLIP_{BOT}_API_URL")
        .means("What BLIP_API_URL is, for this bot; BLIP_API_URL if not set")
        .form(URL_FORM, "https://your-contract.http.msging.net"),
    variable(VariableGroup::Bots, "BLIP_{BOT}_WEBHOOK_TOKEN")
        .means("What BLIP_WEBHOOK_TOKEN is, for this bot")
        .form(SECRETS_FORM, "your-webhook-token")
        .need(When("for each bot, unless BLIP_WEBHOOK_ALLOW_UNAUTHENTICATED"))
        .privacy(Secret),
    variable(VariableGroup::Bots, "SLACK_{BOT}_CHANNEL")
        .means("The channel of this bot; SLACK_CHANNEL if not set")
        .form(CHANNEL_FORM, "#vendas"),
    variable(VariableGroup::Bots, "BLIP_BOT_ALIASES")
        .means("Former names of bots, each with its name now: its open tickets go on")
        .form(Words("a comma list of former=name, the name one of a bot"), "suporte=vendas"),
];

/// One Blip bot as it is configured: whose tickets these are, and how each side proves itself.
#[derive(Clone, Debug)]
pub(crate) struct BotConfig {
    /// Its short name, which ends the path of its webhook.
    pub(crate) name: BotName,
    /// What follows `Key ` in the Authorization header.
    pub(crate) key: SecretString,
    /// The same of the bot with the WhatsApp channel, if templates are to be sent.
    pub(crate) router_key: Option<SecretString>,
    /// The flow and the block where answers to active messages enter.
    pub(crate) answer_block: Option<(String, String)>,
    /// The address of the contract at Blip, without a slash at its end.
    pub(crate) api_url: String,
    /// Any of these proves that a request comes from Blip; empty only if the operator allows
    /// requests without proof.
    pub(crate) webhook_tokens: Vec<SecretString>,
    /// The header that carries the token.
    pub(crate) webhook_header: String,
    /// Where its tickets go that have no team with a channel.
    pub(crate) channel: ChannelRef,
}

/// What holds for every bot that has nothing of its own.
struct SharedBotSettings {
    api_url: Option<String>,
    channel: Option<ChannelRef>,
    webhook_header: Option<String>,
    allow_unauthenticated: bool,
}

impl BotConfig {
    /// The bot of `BLIP_KEY`, if there is one, and those of `BLIP_BOTS`.
    pub(super) fn read_all(
        reader: &mut SettingsReader<'_>,
        channel: Option<ChannelRef>,
    ) -> Option<Vec<Self>> {
        let names = reader.read_optional("BLIP_BOTS", parse::parse_bot_names).unwrap_or_default();
        let shared = SharedBotSettings {
            api_url: reader.read_optional("BLIP_API_URL", parse::parse_base_url),
            channel,
            webhook_header: reader.read_optional("BLIP_WEBHOOK_HEADER", parse::parse_header_name),
            // If it is faulty, that is fault enough: the tokens need not be missed as well.
            allow_unauthenticated: reader
                .read_flag("BLIP_WEBHOOK_ALLOW_UNAUTHENTICATED")
                .unwrap_or(true),
        };
        let mut bots = Vec::new();
        // With neither of both, it is `BLIP_KEY` that is said to be missing.
        if reader.is_set("BLIP_KEY") || !reader.is_set("BLIP_BOTS") {
            bots.push(Self::read_settings(reader, BotName::default(), &shared));
        }
        for name in names {
            bots.push(Self::read_settings(reader, name, &shared));
        }
        // Only now, when all were read: a fault in one bot must not hide those in the next.
        bots.into_iter().collect()
    }

    fn read_settings(
        reader: &mut SettingsReader<'_>,
        name: BotName,
        shared: &SharedBotSettings,
    ) -> Option<Self> {
        let is_default = name == BotName::default();
        let part =
            if is_default { String::new() } else { format!("{}_", uppercase_bot_name(&name)) };
        let key = reader.read_required(&format!("BLIP_{part}KEY"), parse::parse_blip_key);
        let router_key =
            reader.read_optional(&format!("BLIP_{part}ROUTER_KEY"), parse::parse_blip_key);
        let answer_setting = format!("BLIP_{part}ANSWER_BLOCK");
        let answer_block = reader.read_optional(&answer_setting, parse::parse_answer_block);
        // Active messages go out with the router's key only (`blip.md`, additions §1.3).
        if answer_block.is_some() && router_key.is_none() {
            reader.add_fault(&answer_setting, &format!("needs BLIP_{part}ROUTER_KEY"));
        }
        let tokens = format!("BLIP_{part}WEBHOOK_TOKEN");
        let webhook_tokens = if shared.allow_unauthenticated {
            Some(reader.read_optional(&tokens, parse::parse_secrets).unwrap_or_default())
        } else {
            reader.read_required(&tokens, parse::parse_secrets)
        };
        let (mut api_url, mut channel) = (None, None);
        let address = format!("BLIP_{part}API_URL");
        if !is_default {
            api_url = reader.read_optional(&address, parse::parse_base_url);
            channel =
                reader.read_optional(&format!("SLACK_{part}CHANNEL"), parse::parse_channel_ref);
        }
        if !reader.is_set(&address) && !reader.is_set("BLIP_API_URL") {
            reader.add_fault(&address, "is required and not set");
        }
        Some(Self {
            name,
            key: key?,
            router_key,
            answer_block,
            api_url: api_url.or_else(|| shared.api_url.clone())?,
            webhook_tokens: webhook_tokens?,
            webhook_header: shared.webhook_header.clone()?,
            channel: channel.or_else(|| shared.channel.clone())?,
        })
    }
}

/// Former names of bots: each of a bot that is no more, with the name of one that is.
pub(super) fn read_aliases(
    reader: &mut SettingsReader<'_>,
    bots: Option<&[BotConfig]>,
) -> HashMap<BotName, BotName> {
    let aliases =
        reader.read_optional("BLIP_BOT_ALIASES", parse::parse_bot_aliases).unwrap_or_default();
    let is_bot = |name: &BotName| bots.into_iter().flatten().any(|bot| bot.name == *name);
    // If a bot is faulty, its name is not known here, and blaming the alias would mislead.
    if bots.is_some() && aliases.iter().any(|(was, is)| is_bot(was) || !is_bot(is)) {
        reader.add_fault(
            "BLIP_BOT_ALIASES",
            "must name bots that are configured after each =, and none before",
        );
    }
    aliases
}

/// A bot's name as it stands in the names of variables.
pub(super) fn uppercase_bot_name(name: &BotName) -> String {
    name.as_str().to_ascii_uppercase()
}
