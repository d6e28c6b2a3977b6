//! Whether Blip lets the bridge work, bot by bot: key and address, the channel of its desk, rights.

use std::collections::HashMap;

use futures_util::future::join_all;

use super::finding::Finding;
use crate::app::PlatformAccess;
use crate::blip::client::STANDBY_SETTING;
use crate::blip::{self, BlipClient};
use crate::config::{BotConfig, BusinessHours, Config};
use crate::model::{BotName, Failure, Fault};

const KEY: &str = "blip-key";
const CHANNEL: &str = "blip-channel";
const TEMPLATES: &str = "blip-templates";
const HOURS: &str = "blip-hours";
const LEVELS: &str = "blip-sla";
const STANDBY: &str = "blip-standby";

/// How a bot's desk is set up, if Blip tells.
type DeskConfiguration = Result<HashMap<String, String>, blip::Error>;

/// What Blip calls a channel of one's own, in two generations of its portal (`blip.md` §4.2).
const CUSTOM_CHANNELS: [&str; 2] = ["Webhook", "Custom"];

pub(super) async fn check_everything(
    config: &Config,
    access: &PlatformAccess,
    bots: &[(&BotConfig, BlipClient)],
) -> Vec<Finding> {
    let checks = bots.iter().map(async |(bot, client)| {
        let router = access.router_client(bot);
        let (mut findings, of_router) =
            tokio::join!(check_bot(config, client), check_router(router.as_ref()));
        if of_router.is_some() {
            // What the other key may is all that counts then.
            findings.retain(|finding| finding.check != TEMPLATES);
        }
        findings.extend(of_router);
        findings
    });
    join_all(checks).await.concat()
}

/// Whether the key with which templates are sent is accepted, and may list them.
async fn check_router(router: Option<&BlipClient>) -> Option<Finding> {
    let router = router?;
    let key = router.key_variable();
    let listed = router.templates.check_template_access().await;
    Some(match listed {
        Ok(()) => Finding::ok(TEMPLATES, format!("{key} may list the WhatsApp templates")),
        Err(_) if router.has_refused_key() => Finding::failed(
            TEMPLATES,
            format!("Blip does not accept {key}"),
            "copy the value of the header Authorization from Configurações → Informações de conexão \
            of the bot that has the WhatsApp channel, or remove the setting",
        ),
        Err(error) => Finding::failed(
            TEMPLATES,
            format!("{key} may not list WhatsApp templates ({error}): agents can send none"),
            "set it to the key of the bot that has the WhatsApp channel, which is the router where \
            there is one, or remove the setting",
        ),
    })
}

/// Checks whether a bot's key is accepted at its address, and what it may do.
pub(crate) async fn check_bot(config: &Config, client: &BlipClient) -> Vec<Finding> {
    let name = client.bot_name();
    let (key, address) = (name.setting_variable("KEY"), name.setting_variable("API_URL"));
    let pinged = client.ping().await;
    // Nothing else can be asked with a key that is refused.
    if client.has_refused_key() {
        return vec![Finding::failed(
            KEY,
            format!("Blip does not accept {key}"),
            "copy the value of the header Authorization from Configurações → Informações de conexão \
            of the bot that owns the tickets",
        )];
    }
    if let Err(error) = pinged
        && let Some(reason) = client.silence_reason()
    {
        let fix = match error.to_fault() {
            Fault::Busy { .. } => "ask again in a minute".to_owned(),
            _ => format!(
                "copy the address https://….http.msging.net from Configurações → Informações de \
                conexão, or see to the network and the proxy of this machine; it is set as {}",
                describe_address(&address)
            ),
        };
        return vec![Finding::failed(KEY, format!("{address}: {reason}"), fix)];
    }
    let configuration = client.desk.fetch_desk_configuration().await;
    let channel = check_desk_channel(config, client, &configuration);
    let standby = check_standby(config, client, &configuration);
    let (templates, hours, levels) = tokio::join!(
        check_templates(client),
        check_hours(config, client),
        check_service_levels(config, client)
    );
    let mut findings = vec![Finding::ok(KEY, format!("Blip accepts {key}"))];
    findings.extend(channel);
    findings.push(templates);
    findings.extend(hours);
    findings.extend(levels);
    findings.extend(standby);
    findings
}

/// Whether Blip tells which tickets have passed a limit, if that is to be watched.
async fn check_service_levels(config: &Config, client: &BlipClient) -> Option<Finding> {
    if !config.desk.watches_levels {
        return None;
    }
    let bot = name_bot(client);
    let (policies, passed) =
        tokio::join!(client.desk.count_service_policies(), client.desk.fetch_passed_limits());
    Some(match (policies, passed) {
        (Ok(0), Ok(_)) => Finding::warning(
            LEVELS,
            format!(
                "SLA=blip: the desk{bot} has no policy of service levels, so no ticket passes one"
            ),
            "make one at Blip, under Atendimento → SLA, or set SLA=off",
        ),
        (Ok(count), Ok(_)) => {
            Finding::ok(LEVELS, format!("Blip tells the service levels{bot}; policies: {count}"))
        }
        (Err(error), _) | (_, Err(error)) => Finding::warning(
            LEVELS,
            format!("SLA=blip: Blip does not tell the service levels{bot} ({error})"),
            "set SLA=off: the reminders of the bridge (REMIND_…) need nothing from Blip",
        ),
    })
}

/// Whether Blip takes standby, if agents are offered it. Nothing tells whether the key may change it but to
/// change it.
fn check_standby(
    config: &Config,
    client: &BlipClient,
    configuration: &DeskConfiguration,
) -> Option<Finding> {
    if !config.desk.offers_standby {
        return None;
    }
    let bot = name_bot(client);
    let found = match configuration {
        Ok(found) if !found.is_empty() => found,
        Ok(_) | Err(_) => {
            return Some(Finding::hint(
                STANDBY,
                format!(
                    "STANDBY=blip: Blip does not tell whether the desk{bot} has its standby mode \
                    switched on; where it has not, agents who use it are told so"
                ),
            ));
        }
    };
    let is_on = found.get(STANDBY_SETTING).is_some_and(|it| is_true(it));
    Some(if is_on {
        Finding::ok(STANDBY, format!("the desk{bot} has its standby mode switched on"))
    } else {
        Finding::warning(
            STANDBY,
            format!(
                "STANDBY=blip: the desk{bot} has its standby mode switched off \
                (TicketStandbyModeEnabled is not true), and Blip refuses it"
            ),
            "switch on Modo de espera in the settings of the desk at Blip, or set STANDBY=off",
        )
    })
}

/// Whether the hours of the desk can be read, if they count.
async fn check_hours(config: &Config, client: &BlipClient) -> Vec<Finding> {
    if config.desk.business_hours != Some(BusinessHours::Blip) {
        return Vec::new();
    }
    let bot = name_bot(client);
    let desk = match client.desk.fetch_desk_hours().await {
        Ok(desk) => desk,
        Err(error) => {
            return vec![Finding::warning(
                HOURS,
                format!(
                    "BUSINESS_HOURS=blip: Blip does not tell the hours of the desk{bot} ({error}): the \
                    team counts as always at work"
                ),
                "write the hours themselves in BUSINESS_HOURS, such as mon-fri 09:00-18:00",
            )];
        }
    };
    let teams = desk.teams.len();
    let mut findings = vec![match &desk.main {
        Some(_) => Finding::ok(
            HOURS,
            format!(
                "Blip tells the hours of the desk{bot}; teams with hours of their own: {teams}"
            ),
        ),
        None => Finding::warning(
            HOURS,
            format!(
                "BUSINESS_HOURS=blip: the desk{bot} has no main hours: who has none of their own \
                counts as always at work"
            ),
            "give the desk its hours at Blip, under Atendimento → Horários de atendimento, or write \
            them in BUSINESS_HOURS",
        ),
    }];
    findings.extend(desk.unknown_zone.map(|zone| {
        Finding::warning(
            HOURS,
            format!("the hours of the desk{bot} are in the zone {zone}, which is not known here"),
            "set TIMEZONE to the zone that it means",
        )
    }));
    findings
}

/// Values of Blip's settings are text.
fn is_true(value: &str) -> bool {
    value.eq_ignore_ascii_case("true")
}

/// The bot, where there are several.
fn name_bot(client: &BlipClient) -> String {
    let name = client.bot_name();
    if *name == BotName::default() { String::new() } else { format!(" of bot {name}") }
}

fn describe_address(variable: &str) -> String {
    match variable {
        "BLIP_API_URL" => variable.to_owned(),
        _ => format!("{variable} or BLIP_API_URL"),
    }
}

/// Whether tickets of the bot go to a custom channel.
fn check_desk_channel(
    config: &Config,
    client: &BlipClient,
    configuration: &DeskConfiguration,
) -> Vec<Finding> {
    let name = client.bot_name();
    let bot = name_bot(client);
    // That a bot's key may read this was never tried (`blip.md` §4.2), so silence is only a hint.
    let Some(found) = configuration.as_ref().ok().filter(|it| !it.is_empty()) else {
        return vec![Finding::hint(
            CHANNEL,
            format!(
                "Blip does not tell the channel of the desk{bot}: see that Canal Personalizado is \
                switched on under Atendimento → Canais de atendimento"
            ),
        )];
    };
    let webhook = config.http.public_url.as_deref().unwrap_or("https://…");
    let end = if *name == BotName::default() { String::new() } else { format!("/{name}") };
    let mut findings = Vec::new();
    match found.get("DefaultProvider").map(String::as_str) {
        Some(provider) if CUSTOM_CHANNELS.contains(&provider) => {
            let text = format!("tickets{bot} go to the custom channel at Blip");
            findings.push(Finding::ok(CHANNEL, text));
        }
        provider => findings.push(Finding::failed(
            CHANNEL,
            format!(
                "tickets{bot} do not come here: the channel of the desk is {}",
                provider.unwrap_or("not set")
            ),
            format!(
                "switch on Canal Personalizado under Atendimento → Canais de atendimento, with the \
                URL de Integração {webhook}/blip/webhook{end}"
            ),
        )),
    }
    let has_active = config.bots.iter().any(|it| it.name == *name && it.answer_block.is_some());
    let allows_open = found.get("ActiveMessageCanSendWithOpenTicket");
    if has_active && !allows_open.is_some_and(|it| is_true(it)) {
        findings.push(Finding::hint(
            CHANNEL,
            format!(
                "Blip sends no active message{bot} to a customer who has an open ticket \
                (ActiveMessageCanSendWithOpenTicket is not true); agents are told so"
            ),
        ));
    }
    // Blip does not document what this does; its name says that links to our files are refused.
    if found.get("BlockExternalAttachment").is_some_and(|it| is_true(it)) {
        findings.push(Finding::warning(
            CHANNEL,
            format!(
                "the desk{bot} blocks external attachments: files of agents may reach no customer"
            ),
            "allow external attachments in the settings of the desk at Blip",
        ));
    }
    findings
}

/// Whether the key may list the WhatsApp templates. Behind a router only the router's key may, and
/// a bot without WhatsApp has none, so a refusal is nothing that has to be mended.
async fn check_templates(client: &BlipClient) -> Finding {
    let key = client.bot_name().setting_variable("KEY");
    let router = client.bot_name().setting_variable("ROUTER_KEY");
    match client.templates.check_template_access().await {
        Ok(()) => Finding::ok(
            TEMPLATES,
            format!("{key} may list the WhatsApp templates; as {router}, agents can send them"),
        ),
        Err(error) => Finding::hint(
            TEMPLATES,
            format!(
                "{key} may not list WhatsApp templates ({error}): they belong to the bot that has \
                the WhatsApp channel, which is the router where there is one; with its key in {router} \
                agents can send them"
            ),
        ),
    }
}
