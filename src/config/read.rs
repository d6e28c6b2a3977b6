//! Reads the settings group by group: which are needed when, and which stand in for others.
//!
//! Every function here reads all it is about before it gives up on anything, so that all faults
//! are found in one go.

use std::time::Duration;

use secrecy::SecretString;

use super::reader::Reader;
use super::{
    Bot, ChannelRef, Config, Desk, Http, LogFormat, Media, Proxy, ReactionsOn, ReplyPolicy, Slack,
    parse, upper, warnings,
};
use crate::model::BotName;

impl Config {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let http = Http::read(reader);
        let slack = Slack::read(reader);
        let channel = slack.as_ref().map(|slack| slack.channel.clone());
        let bots = Bot::read_all(reader, channel);
        let bot_aliases =
            reader.optional("BLIP_BOT_ALIASES", parse::bot_aliases).unwrap_or_default();
        let is_bot = |name: &BotName| bots.iter().flatten().any(|bot| bot.name == *name);
        if bots.is_some() && bot_aliases.iter().any(|(was, is)| is_bot(was) || !is_bot(is)) {
            reader.fault(
                "BLIP_BOT_ALIASES",
                "must name bots that are configured after each =, and none before",
            );
        }
        let desk = Desk::read(reader);
        let media = Media::read(reader);
        let database_url = reader.optional("DATABASE_URL", parse::database);
        let retain_bodies = reader.whole("RETAIN_BODIES_DAYS");
        let retain_tickets = reader.whole("RETAIN_TICKETS_DAYS");
        let shutdown = reader.whole("SHUTDOWN_SECONDS");
        let locale = reader.one_of("LOCALE", |value| Some(value.to_owned()));
        let timezone = reader.optional("TIMEZONE", parse::time_zone);
        let log = reader.optional("LOG", parse::log_filter);
        let log_format = reader.one_of("LOG_FORMAT", |value| match value {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => None,
        });
        let config = Self {
            http: http?,
            slack: slack?,
            bots: bots?,
            bot_aliases,
            desk: desk?,
            media: media?,
            database_url: database_url?,
            retain_bodies: Duration::from_hours(24 * retain_bodies?),
            retain_tickets: Duration::from_hours(24 * retain_tickets?),
            shutdown: Duration::from_secs(shutdown?),
            locale: locale?,
            timezone: timezone?,
            log: log?,
            log_format: log_format?,
            warnings: Vec::new(),
            summary: Vec::new(),
        };
        Some(Self { warnings: warnings::of(&config), ..config })
    }
}

impl Http {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let host = reader.optional("HOST", parse::host);
        let port = reader.whole("PORT");
        let public_url = reader.optional("PUBLIC_URL", parse::address);
        let proxy = Proxy::read(reader);
        Some(Self { host: host?, port: u16::try_from(port?).ok()?, public_url, proxy })
    }
}

impl Proxy {
    /// As other programs read it: small letters first. Nothing that the bridge calls outside this
    /// machine is plain http, so `http_proxy` is none of ours.
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        const NAMES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
        let (variable, value) =
            NAMES.iter().find_map(|name| Some((*name, reader.foreign(name)?)))?;
        let Some(address) = parse::proxy(&value) else {
            reader.fault(variable, "must be the address of an http proxy, or not set");
            return None;
        };
        reader.tell(format!("{variable} set: calls to the platforms go through it"));
        let except = reader.foreign("no_proxy").or_else(|| reader.foreign("NO_PROXY"));
        Some(Self { variable, address, except: except.unwrap_or_default() })
    }
}

impl Media {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let megabytes = reader.whole("MEDIA_MAX_MB");
        let hours = reader.whole("MEDIA_LINK_HOURS");
        let allow_loopback = reader.flag("MEDIA_ALLOW_LOOPBACK");
        Some(Self {
            max: megabytes? << 20,
            link: Duration::from_hours(hours?),
            allow_loopback: allow_loopback?,
        })
    }
}

impl Slack {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let bot_token = read_bot_token(reader);
        let signing_secrets = if reader.is_set("SLACK_APP_TOKEN") {
            reader.optional("SLACK_SIGNING_SECRET", parse::secrets).or(Some(Vec::new()))
        } else {
            reader.required("SLACK_SIGNING_SECRET", parse::secrets)
        };
        let app_token = reader.optional("SLACK_APP_TOKEN", |value| parse::token(value, "xapp-"));
        let channel = reader.required("SLACK_CHANNEL", parse::channel);
        let team_channels = reader.optional("SLACK_TEAM_CHANNELS", parse::team_channels);
        let api_url = reader.optional("SLACK_API_URL", parse::address);
        let channel_rate = reader.optional("SLACK_CHANNEL_RATE", parse::rate);
        Some(Self {
            bot_token: bot_token?,
            signing_secrets: signing_secrets?,
            app_token,
            api_url: api_url?,
            channel: channel?,
            team_channels: team_channels.unwrap_or_default(),
            channel_rate: channel_rate?,
        })
    }
}

/// The bot token of Slack; of one that rotates it is said why it does not do.
fn read_bot_token(reader: &mut Reader<'_>) -> Option<SecretString> {
    const NAME: &str = "SLACK_BOT_TOKEN";
    let is_rotating = |value: &str| value.starts_with("xoxe");
    let found = reader.required(NAME, |value| {
        if is_rotating(value) { Some(None) } else { parse::token(value, "xoxb-").map(Some) }
    })?;
    if found.is_none() {
        reader.fault(
            NAME,
            "is a token that rotates (xoxe): Slack ends it after twelve hours, and the bridge \
            cannot renew it; install an app without token rotation and use its token that begins \
            with xoxb-",
        );
    }
    found
}

/// What holds for every bot that has nothing of its own.
struct Shared {
    api_url: Option<String>,
    channel: Option<ChannelRef>,
    webhook_header: Option<String>,
    allow_unauthenticated: bool,
}

impl Bot {
    /// The bot of `BLIP_KEY`, if there is one, and those of `BLIP_BOTS`.
    fn read_all(reader: &mut Reader<'_>, channel: Option<ChannelRef>) -> Option<Vec<Self>> {
        let names = reader.optional("BLIP_BOTS", parse::bot_names).unwrap_or_default();
        let shared = Shared {
            api_url: reader.optional("BLIP_API_URL", parse::address),
            channel,
            webhook_header: reader.optional("BLIP_WEBHOOK_HEADER", parse::header),
            // If it is faulty, that is fault enough: the tokens need not be missed as well.
            allow_unauthenticated: reader
                .flag("BLIP_WEBHOOK_ALLOW_UNAUTHENTICATED")
                .unwrap_or(true),
        };
        let mut bots = Vec::new();
        if reader.is_set("BLIP_KEY") || !reader.is_set("BLIP_BOTS") {
            bots.push(Self::read(reader, BotName::default(), &shared));
        }
        for name in names {
            bots.push(Self::read(reader, name, &shared));
        }
        bots.into_iter().collect()
    }

    fn read(reader: &mut Reader<'_>, name: BotName, shared: &Shared) -> Option<Self> {
        let is_default = name == BotName::default();
        let part = if is_default { String::new() } else { format!("{}_", upper(&name)) };
        let key = reader.required(&format!("BLIP_{part}KEY"), parse::key);
        let tokens = format!("BLIP_{part}WEBHOOK_TOKEN");
        let webhook_tokens = if shared.allow_unauthenticated {
            Some(reader.optional(&tokens, parse::secrets).unwrap_or_default())
        } else {
            reader.required(&tokens, parse::secrets)
        };
        let (mut api_url, mut channel) = (None, None);
        let address = format!("BLIP_{part}API_URL");
        if !is_default {
            api_url = reader.optional(&address, parse::address);
            channel = reader.optional(&format!("SLACK_{part}CHANNEL"), parse::channel);
        }
        if !reader.is_set(&address) && !reader.is_set("BLIP_API_URL") {
            reader.fault(&address, "is required and not set");
        }
        Some(Self {
            name,
            key: key?,
            api_url: api_url.or_else(|| shared.api_url.clone())?,
            webhook_tokens: webhook_tokens?,
            webhook_header: shared.webhook_header.clone()?,
            channel: channel.or_else(|| shared.channel.clone())?,
        })
    }
}

impl Desk {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let agents = reader.optional("AGENTS", parse::agents);
        let agent_map = reader.optional("AGENT_MAP", parse::agent_map);
        let default_agent = reader.optional("BLIP_DEFAULT_AGENT", parse::identity);
        let claim_reaction = reader.optional("CLAIM_REACTION", parse::free_emoji);
        let close_reaction = reader.optional("CLOSE_REACTION", parse::free_emoji);
        if claim_reaction.is_some() && claim_reaction == close_reaction {
            reader.fault("CLOSE_REACTION", "must not be the emoji of CLAIM_REACTION");
        }
        let reactions_on = reader.one_of("REACTIONS_ON", |value| match value {
            "card" => Some(ReactionsOn::Card),
            "thread" => Some(ReactionsOn::Thread),
            _ => None,
        });
        let reply_claims = reader.flag("REPLY_CLAIMS");
        let reply_policy = reader.one_of("REPLY_POLICY", |value| match value {
            "holder" => Some(ReplyPolicy::Holder),
            "anyone" => Some(ReplyPolicy::Anyone),
            _ => None,
        });
        let note_prefix = reader.optional("NOTE_PREFIX", parse::note_prefix);
        let tells_seen = reader.flag("SEND_READ_RECEIPTS");
        let send_delay = reader.whole("SEND_DELAY_SECONDS");
        let masked = reader.optional("PRIVACY_MASK", parse::number_kinds);
        let context_messages = reader.whole("CONTEXT_MESSAGES");
        let remind_unclaimed = reader.whole("REMIND_UNCLAIMED_MINUTES");
        let remind_unanswered = reader.whole("REMIND_UNANSWERED_MINUTES");
        let escalate_to = reader.optional("ESCALATE_TO", parse::group);
        let business_hours = reader.optional("BUSINESS_HOURS", parse::hours);
        let some = |time: Duration| Some(time).filter(|time| !time.is_zero());
        let reconcile = reader.optional("RECONCILE_SECONDS", parse::seconds);
        Some(Self {
            agents: agents?,
            agent_map: agent_map.unwrap_or_default(),
            default_agent,
            claim_reaction: claim_reaction?,
            close_reaction: close_reaction?,
            reactions_on: reactions_on?,
            reply_claims: reply_claims?,
            reply_policy: reply_policy?,
            note_prefix: note_prefix?,
            tells_seen: tells_seen?,
            send_delay: some(Duration::from_secs(send_delay?)),
            remind_unclaimed: some(Duration::from_mins(remind_unclaimed?)),
            remind_unanswered: some(Duration::from_mins(remind_unanswered?)),
            escalate_to,
            business_hours,
            masked: masked.unwrap_or_default(),
            context_messages: usize::try_from(context_messages?).ok()?,
            reconcile: reconcile.filter(|time| !time.is_zero()),
        })
    }
}
