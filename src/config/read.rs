//! Reads the settings group by group: which are needed when, and which stand in for others.
//!
//! Every function here reads all it is about before it gives up on anything, so that all faults
//! are found in one go.

use std::time::Duration;

use secrecy::SecretString;

use super::reader::SettingsReader;
use super::{
    BotConfig, ChannelRef, Config, DeskConfig, HttpConfig, LogFormat, MediaConfig, ProxyConfig,
    ReactionsOn, ReplyPolicy, SlackConfig, TracesConfig, parse, uppercase_bot_name, warnings,
};
use crate::model::BotName;

impl Config {
    pub(super) fn read_settings(reader: &mut SettingsReader<'_>) -> Option<Self> {
        let http = HttpConfig::read_settings(reader);
        let slack = SlackConfig::read_settings(reader);
        let channel = slack.as_ref().map(|slack| slack.channel.clone());
        let bots = BotConfig::read_all(reader, channel);
        let bot_aliases =
            reader.read_optional("BLIP_BOT_ALIASES", parse::parse_bot_aliases).unwrap_or_default();
        let is_bot = |name: &BotName| bots.iter().flatten().any(|bot| bot.name == *name);
        if bots.is_some() && bot_aliases.iter().any(|(was, is)| is_bot(was) || !is_bot(is)) {
            reader.add_fault(
                "BLIP_BOT_ALIASES",
                "must name bots that are configured after each =, and none before",
            );
        }
        let desk = DeskConfig::read_settings(reader);
        let media = MediaConfig::read_settings(reader);
        let database_url = reader.read_optional("DATABASE_URL", parse::parse_database_url);
        let retain_bodies = reader.read_whole_number("RETAIN_BODIES_DAYS");
        let retain_tickets = reader.read_whole_number("RETAIN_TICKETS_DAYS");
        let shutdown = reader.read_whole_number("SHUTDOWN_SECONDS");
        let locale = reader.read_one_of("LOCALE", |value| Some(value.to_owned()));
        let timezone = reader.read_optional("TIMEZONE", parse::parse_time_zone);
        let log = reader.read_optional("LOG", parse::parse_log_filter);
        let log_format = reader.read_one_of("LOG_FORMAT", |value| match value {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => None,
        });
        let traces = TracesConfig::read_settings(reader);
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
            traces,
            warnings: Vec::new(),
            summary: Vec::new(),
        };
        Some(Self { warnings: warnings::collect_warnings(&config), ..config })
    }
}

impl HttpConfig {
    fn read_settings(reader: &mut SettingsReader<'_>) -> Option<Self> {
        let host = reader.read_optional("HOST", parse::parse_host);
        let port = reader.read_whole_number("PORT");
        let public_url = reader.read_optional("PUBLIC_URL", parse::parse_base_url);
        let proxy = ProxyConfig::read_settings(reader);
        Some(Self { host: host?, port: u16::try_from(port?).ok()?, public_url, proxy })
    }
}

impl ProxyConfig {
    /// As other programs read it: small letters first. Nothing that the bridge calls outside this
    /// machine is plain http, so `http_proxy` is none of ours.
    fn read_settings(reader: &mut SettingsReader<'_>) -> Option<Self> {
        const PROXY_VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
        let (variable, value) =
            PROXY_VARIABLES.iter().find_map(|name| Some((*name, reader.read_foreign(name)?)))?;
        let Some(address) = parse::parse_proxy_url(&value) else {
            reader.add_fault(variable, "must be the address of an http proxy, or not set");
            return None;
        };
        reader.add_to_summary(format!("{variable} set"));
        let except = reader.read_foreign("no_proxy").or_else(|| reader.read_foreign("NO_PROXY"));
        Some(Self { variable, address, except: except.unwrap_or_default() })
    }
}

impl TracesConfig {
    fn read_settings(reader: &mut SettingsReader<'_>) -> Option<Self> {
        let endpoint =
            reader.read_optional("OTEL_EXPORTER_OTLP_ENDPOINT", parse::parse_collector_url);
        let headers = reader.read_optional("OTEL_EXPORTER_OTLP_HEADERS", parse::parse_headers);
        let service = reader.read_optional("OTEL_SERVICE_NAME", parse::parse_service_name);
        Some(Self { endpoint: endpoint?, headers: headers.unwrap_or_default(), service: service? })
    }
}

impl MediaConfig {
    fn read_settings(reader: &mut SettingsReader<'_>) -> Option<Self> {
        let megabytes = reader.read_whole_number("MEDIA_MAX_MB");
        let hours = reader.read_whole_number("MEDIA_LINK_HOURS");
        let allow_loopback = reader.read_flag("MEDIA_ALLOW_LOOPBACK");
        Some(Self {
            max: megabytes? << 20,
            link: Duration::from_hours(hours?),
            allow_loopback: allow_loopback?,
        })
    }
}

impl SlackConfig {
    fn read_settings(reader: &mut SettingsReader<'_>) -> Option<Self> {
        let bot_token = read_bot_token(reader);
        let signing_secrets = if reader.is_set("SLACK_APP_TOKEN") {
            reader.read_optional("SLACK_SIGNING_SECRET", parse::parse_secrets).or(Some(Vec::new()))
        } else {
            reader.read_required("SLACK_SIGNING_SECRET", parse::parse_secrets)
        };
        let app_token =
            reader.read_optional("SLACK_APP_TOKEN", |value| parse::parse_token(value, "xapp-"));
        let channel = reader.read_required("SLACK_CHANNEL", parse::parse_channel_ref);
        let team_channels = reader.read_optional("SLACK_TEAM_CHANNELS", parse::parse_team_channels);
        let api_url = reader.read_optional("SLACK_API_URL", parse::parse_base_url);
        let channel_rate = reader.read_optional("SLACK_CHANNEL_RATE", parse::parse_post_rate);
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
fn read_bot_token(reader: &mut SettingsReader<'_>) -> Option<SecretString> {
    const BOT_TOKEN: &str = "SLACK_BOT_TOKEN";
    let is_rotating = |value: &str| value.starts_with("xoxe");
    let found = reader.read_required(BOT_TOKEN, |value| {
        if is_rotating(value) { Some(None) } else { parse::parse_token(value, "xoxb-").map(Some) }
    })?;
    if found.is_none() {
        reader.add_fault(
            BOT_TOKEN,
            "is a token that rotates (xoxe): Slack ends it after twelve hours, and the bridge \
            cannot renew it; install an app without token rotation and use its token that begins \
            with xoxb-",
        );
    }
    found
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
    fn read_all(reader: &mut SettingsReader<'_>, channel: Option<ChannelRef>) -> Option<Vec<Self>> {
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
        if reader.is_set("BLIP_KEY") || !reader.is_set("BLIP_BOTS") {
            bots.push(Self::read_settings(reader, BotName::default(), &shared));
        }
        for name in names {
            bots.push(Self::read_settings(reader, name, &shared));
        }
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
            api_url: api_url.or_else(|| shared.api_url.clone())?,
            webhook_tokens: webhook_tokens?,
            webhook_header: shared.webhook_header.clone()?,
            channel: channel.or_else(|| shared.channel.clone())?,
        })
    }
}

impl DeskConfig {
    fn read_settings(reader: &mut SettingsReader<'_>) -> Option<Self> {
        let agents = reader.read_optional("AGENTS", parse::parse_agents);
        let agent_map = reader.read_optional("AGENT_MAP", parse::parse_agent_map);
        let default_agent = reader.read_optional("BLIP_DEFAULT_AGENT", parse::parse_identity);
        let claim_reaction = reader.read_optional("CLAIM_REACTION", parse::parse_free_emoji);
        let close_reaction = reader.read_optional("CLOSE_REACTION", parse::parse_free_emoji);
        if claim_reaction.is_some() && claim_reaction == close_reaction {
            reader.add_fault("CLOSE_REACTION", "must not be the emoji of CLAIM_REACTION");
        }
        let reactions_on = reader.read_one_of("REACTIONS_ON", |value| match value {
            "card" => Some(ReactionsOn::Card),
            "thread" => Some(ReactionsOn::Thread),
            _ => None,
        });
        let reply_claims = reader.read_flag("REPLY_CLAIMS");
        let reply_policy = reader.read_one_of("REPLY_POLICY", |value| match value {
            "holder" => Some(ReplyPolicy::Holder),
            "anyone" => Some(ReplyPolicy::Anyone),
            _ => None,
        });
        let note_prefix = reader.read_optional("NOTE_PREFIX", parse::parse_note_prefix);
        let tells_seen = reader.read_flag("SEND_READ_RECEIPTS");
        let send_delay = reader.read_whole_number("SEND_DELAY_SECONDS");
        let masked = reader.read_optional("PRIVACY_MASK", parse::parse_number_kinds);
        let context_messages = reader.read_whole_number("CONTEXT_MESSAGES");
        let remind_unclaimed = reader.read_whole_number("REMIND_UNCLAIMED_MINUTES");
        let remind_unanswered = reader.read_whole_number("REMIND_UNANSWERED_MINUTES");
        let escalate_to = reader.read_optional("ESCALATE_TO", parse::parse_group_id);
        let business_hours = reader.read_optional("BUSINESS_HOURS", parse::parse_hours);
        let some = |time: Duration| Some(time).filter(|time| !time.is_zero());
        let reconcile = reader.read_optional("RECONCILE_SECONDS", parse::parse_seconds);
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
