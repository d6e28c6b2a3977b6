//! The settings of how people work with tickets.

use std::collections::HashMap;
use std::time::Duration;

use super::declare::{
    flag, one_of, optional, or_empty, settings, time_or_never, unless_zero, whole, with_default,
};
use super::parse::{self, Agents, BusinessHours};
use super::reader::SettingsReader;
use super::variable::ValueForm::{Flag, OneOf, Whole, Words};
use super::variable::ValuePrivacy::Personal;
use super::variable::{VariableGroup, variable};
use crate::model::personal::NumberKind;
use crate::model::{ChannelRef, SlackUserId, TagRule, WorkingHours};

settings! {
    /// How people work with tickets.
    #[derive(Clone, Debug)]
    pub(crate) struct DeskConfig {
        table DESK_TABLE {
            /// Who is an agent.
            pub(crate) agents: Agents =
                with_default(parse::parse_agents),
                variable(VariableGroup::Agents, "AGENTS")
                    .means("Who is an agent: the full members of the channel, or a user group of Slack")
                    .form(Words("channel, or a user group id such as S0614TZR7"), "channel")
                    .default("channel");
            /// Identities at Blip by user.
            pub(crate) agent_map: HashMap<SlackUserId, String> =
                or_empty(parse::parse_agent_map),
                variable(VariableGroup::Agents, "AGENT_MAP")
                    .means("Who an agent is at Blip, where the e-mail address in Slack is not the one there")
                    .form(
                        Words("a comma list of user=e-mail or user=identity"),
                        "U024BE7LH=ana@loja.com,U0G9QF9C6=rui%40loja.com@blip.ai",
                    )
                    .privacy(Personal);
            /// The identity at Blip for agents without one.
            pub(crate) default_agent: Option<String> =
                optional(parse::parse_identity),
                variable(VariableGroup::Agents, "BLIP_DEFAULT_AGENT")
                    .means("Who holds a ticket at Blip if the agent has no e-mail address in Slack")
                    .form(Words("an e-mail address or an identity at blip.ai"), "atendimento@loja.com")
                    .privacy(Personal);
            /// The emoji that claims.
            pub(crate) claim_reaction: String =
                with_default(parse::parse_free_emoji),
                variable(VariableGroup::Desk, "CLAIM_REACTION")
                    .means("The reaction that claims a ticket")
                    .form(Words("the name of an emoji that the bridge does not use itself"), "eyes")
                    .default("eyes");
            /// The emoji that closes.
            pub(crate) close_reaction: String =
                read_other_reaction(claim_reaction.clone()),
                variable(VariableGroup::Desk, "CLOSE_REACTION")
                    .means("The reaction that closes a ticket")
                    .form(Words("the name of an emoji that the bridge does not use itself"), "white_check_mark")
                    .default("white_check_mark");
            /// Which messages these emoji count on.
            pub(crate) reactions_on: ReactionsOn =
                one_of(&[("card", ReactionsOn::Card), ("thread", ReactionsOn::Thread)]),
                variable(VariableGroup::Desk, "REACTIONS_ON")
                    .means("Where these reactions count: on the card, or on any message of its thread")
                    .form(OneOf(&["card", "thread"]), "card")
                    .default("card");
            /// Whether the first reply claims.
            pub(crate) reply_claims: bool =
                flag,
                variable(VariableGroup::Desk, "REPLY_CLAIMS")
                    .means("Whether the first reply to a ticket that nobody holds claims it")
                    .form(Flag, "true")
                    .default("true");
            /// Whose replies go out.
            pub(crate) reply_policy: ReplyPolicy =
                one_of(&[("holder", ReplyPolicy::Holder), ("anyone", ReplyPolicy::Anyone)]),
                variable(VariableGroup::Desk, "REPLY_POLICY")
                    .means("Whose replies go to the customer: those of the holder, or of any agent")
                    .form(OneOf(&["holder", "anyone"]), "holder")
                    .default("holder");
            /// Whether a ticket must have a tag before it is closed.
            pub(crate) tag_rule: TagRule =
                // By default as the desk at Blip has it: tickets without a tag are missing from the
                // reports of a team that counts by tags.
                one_of(&[("blip", TagRule::Blip), ("true", TagRule::Always), ("false", TagRule::Never)]),
                variable(VariableGroup::Desk, "REQUIRE_TAGS")
                    .means("Whether a ticket must have a tag before it is closed: as the desk at Blip wants it, always, or never")
                    .form(OneOf(&["blip", "true", "false"]), "blip")
                    .default("blip");
            /// Whether words that the desk at Blip forbids are kept from customers.
            pub(crate) forbids_words: bool =
                // Off by default, as it costs Blip a question now and then.
                one_of(&[("off", false), ("blip", true)]),
                variable(VariableGroup::Desk, "FORBIDDEN_WORDS")
                    .means("Whether a reply with a word that the desk at Blip forbids goes back to its writer")
                    .form(OneOf(&["off", "blip"]), "blip")
                    .default("off");
            /// Whether tickets can be put on standby.
            pub(crate) offers_standby: bool =
                // Off by default, as few desks at Blip have it switched on.
                one_of(&[("off", false), ("blip", true)]),
                variable(VariableGroup::Desk, "STANDBY")
                    .means("Whether agents can put a ticket on standby, where the desk at Blip has that mode: Blip does not close it for inactivity then")
                    .form(OneOf(&["off", "blip"]), "blip")
                    .default("off");
            /// How a message begins that stays in Slack.
            pub(crate) note_prefix: String =
                with_default(parse::parse_note_prefix),
                variable(VariableGroup::Desk, "NOTE_PREFIX")
                    .means("A message that begins with this, in capitals or not, stays in Slack")
                    .form(Words("1 to 10 characters of which the editor of Slack makes no formatting, list, mention or command"), "//")
                    .default("//");
            /// Whether Blip is told of what agents were shown.
            pub(crate) tells_seen: bool =
                flag,
                variable(VariableGroup::Desk, "SEND_READ_RECEIPTS")
                    .means("Whether Blip is told that agents have been shown what a customer said")
                    .form(Flag, "true")
                    .default("true");
            /// How long a reply is held before it is sent; not at all if there is none.
            pub(crate) send_delay: Option<Duration> =
                time_or_never(Duration::from_secs),
                variable(VariableGroup::Desk, "SEND_DELAY_SECONDS")
                    .means("How long a reply can be deleted, edited or made a note before it is sent")
                    .form(Whole(0, 30), "0")
                    .default("0");
            /// Which numbers of people and cards are hidden in Slack.
            pub(crate) masked: Vec<NumberKind> =
                or_empty(parse::parse_number_kinds),
                variable(VariableGroup::Desk, "PRIVACY_MASK")
                    .means("Numbers of people and cards that nobody reads in Slack; Blip keeps them as they are")
                    .form(Words("a comma list of cpf, cnpj and card"), "cpf,cnpj,card");
            /// How many earlier messages are shown.
            pub(crate) context_messages: usize =
                whole,
                variable(VariableGroup::Desk, "CONTEXT_MESSAGES")
                    .means("How many messages before the handoff are shown; 0 for none")
                    // Blip hands out no more than 100 messages of a thread at once (`blip.md`,
                    // additions §0).
                    .form(Whole(0, 100), "10")
                    .default("10");
            /// The time between two looks at what Blip did itself; `None` for never.
            pub(crate) reconcile: Option<Duration> =
                unless_zero(parse::parse_seconds),
                variable(VariableGroup::Desk, "RECONCILE_SECONDS")
                    .means("How often Blip is asked for tickets that it closed itself; 0 for never. What was missed while the bridge was down is looked for in any case")
                    .form(Words("0, or a whole number from 10 to 86400"), "120")
                    .default("120");
            /// How long a ticket may be unclaimed before people are reminded; for ever if `None`.
            pub(crate) remind_unclaimed: Option<Duration> =
                time_or_never(Duration::from_mins),
                variable(VariableGroup::Desk, "REMIND_UNCLAIMED_MINUTES")
                    .means("After how long a ticket that nobody has claimed is brought up in the channel; 0 for never")
                    .form(Whole(0, 1440), "5")
                    .default("5");
            /// How long a customer may wait for an answer before people are reminded; for ever if `None`.
            pub(crate) remind_unanswered: Option<Duration> =
                time_or_never(Duration::from_mins),
                variable(VariableGroup::Desk, "REMIND_UNANSWERED_MINUTES")
                    .means("After how long the holder is reminded of a customer who waits for an answer; 0 for never")
                    .form(Whole(0, 1440), "10")
                    .default("10");
            /// Whether the service levels of the desk at Blip are watched.
            pub(crate) watches_levels: bool =
                // Off by default, as it asks Blip twice a minute.
                one_of(&[("off", false), ("blip", true)]),
                variable(VariableGroup::Desk, "SLA")
                    .means("Whether tickets that have passed a limit of the desk's service levels at Blip show it, and call ESCALATE_TO")
                    .form(OneOf(&["off", "blip"]), "blip")
                    .default("off");
            /// Whether tickets are given to agents.
            pub(crate) assigns: bool =
                one_of(&[("off", false), ("round_robin", true)]),
                variable(VariableGroup::Desk, "ASSIGN")
                    .means("Whether new tickets are given to the agents of their channel in turn")
                    .form(OneOf(&["off", "round_robin"]), "round_robin")
                    .default("off");
            /// How many open tickets an agent has at most for another one to be given to them.
            pub(crate) agent_slots: u32 =
                whole,
                variable(VariableGroup::Desk, "AGENT_SLOTS")
                    .means("How many open tickets an agent is given at most, with ASSIGN; who claims may have more")
                    .form(Whole(1, 100), "5")
                    .default("5");
            /// How long an agent may leave a ticket unanswered that was given to them; for ever if `None`.
            pub(crate) assign_timeout: Option<Duration> =
                time_or_never(Duration::from_mins),
                variable(VariableGroup::Desk, "ASSIGN_TIMEOUT_MINUTES")
                    .means("After how long a ticket goes to the next agent if the one to whom it was given has not answered; 0 for never")
                    .form(Whole(0, 1440), "5")
                    .default("5");
            /// The user group that hears of it in the end.
            pub(crate) escalate_to: Option<String> =
                optional(parse::parse_group_id),
                variable(VariableGroup::Desk, "ESCALATE_TO")
                    .means("The user group of Slack that hears of it when two reminders were not enough; that of LEADS if it is left out")
                    .form(Words("a user group id such as S0614TZR7"), "S0614TZR7");
            /// The user group of those who lead the team.
            pub(crate) leads: Option<String> =
                optional(parse::parse_group_id),
                variable(VariableGroup::Desk, "LEADS")
                    .means("The user group in Slack of those who lead the team: their home tab shows how the team is doing, and every Monday at nine a post shows how the week went")
                    .form(Words("a user group id such as S0614TZR7"), "S0614TZR7");
            /// Where the weekly post goes.
            pub(crate) leads_channel: Option<ChannelRef> =
                optional(parse::parse_channel_ref),
                variable(VariableGroup::Desk, "LEADS_CHANNEL")
                    .means("Where that weekly post goes; SLACK_CHANNEL if it is left out")
                    .form(Words("an id such as C024BE91L, or a name such as #lideres"), "#lideres");
            /// When the team works; always if `None`.
            pub(crate) business_hours: Option<BusinessHours> =
                optional(parse::parse_business_hours),
                variable(VariableGroup::Desk, "BUSINESS_HOURS")
                    .means("When the team works, in TIMEZONE; reminders count only this time")
                    .form(
                        Words("blip for the hours of the desk at Blip; or days with their hours, then days off, with ; between them, such as mon-fri 09:00-18:00; off 12-25"),
                        "mon-fri 09:00-12:00,13:00-18:00; sat 09:00-13:00; off 12-25",
                    );
            /// What customers are told while the team does not work; nothing if `None`.
            pub(crate) away_message: Option<String> =
                optional(parse::parse_customer_text),
                variable(VariableGroup::Desk, "OUT_OF_OFFICE_MESSAGE")
                    .means("What the bot answers, once, to a customer who writes outside of these hours and whose ticket nobody has claimed")
                    .form(
                        Words("1 to 1000 characters"),
                        "Nosso atendimento é de segunda a sexta, das 9h às 18h. Respondemos assim que abrirmos.",
                    );
            /// When teams work that have hours of their own.
            pub(crate) team_hours: HashMap<String, WorkingHours> =
                // Not all teams of a desk work at the same time, and reminders came at hours at
                // which nobody was there.
                or_empty(parse::parse_team_hours),
                variable(VariableGroup::Desk, "BUSINESS_HOURS_TEAMS")
                    .means("When teams work that have hours of their own; all others have BUSINESS_HOURS")
                    .form(
                        Words("teams with their hours as in BUSINESS_HOURS, with a vertical bar between them"),
                        "Vendas=mon-sat 08:00-20:00|Suporte=mon-sun 00:00-24:00; off 01-01",
                    );
        }
    }
}

/// Which messages of a thread reactions count on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReactionsOn {
    /// On the card only, so that a mark on what a customer said ends no ticket.
    Card,
    /// On all of them.
    Thread,
}

/// Whose replies go to the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyPolicy {
    /// Those of the holder.
    Holder,
    /// Those of every agent.
    Anyone,
}

/// The emoji that closes: not the one that claims. Other names of the same emoji are found at the start
/// (`app::check_reactions`).
fn read_other_reaction(
    claims: Option<String>,
) -> impl FnOnce(&mut SettingsReader<'_>, &str) -> Option<String> {
    move |reader, name| {
        let closes = reader.read_optional(name, parse::parse_free_emoji);
        if closes.is_some() && closes == claims {
            reader.add_fault(name, "must not be the emoji of CLAIM_REACTION");
        }
        closes
    }
}
