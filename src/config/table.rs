//! The settings themselves, in the order in which they are explained.

use super::variable::Need::{Always, When};
use super::variable::ValueForm::{Flag, OneOf, Whole, Words};
use super::variable::ValuePrivacy::{Personal, Secret};
use super::variable::{ValueForm, Variable, VariableGroup, variable};

const URL_FORM: ValueForm = Words("an https address (http only on this machine)");
const CHANNEL_FORM: ValueForm = Words("a channel id such as C024BE91L, or #name");
const BOT_NAMES_FORM: ValueForm =
    Words("a comma list of different names of a-z, 0-9 and _, none of them default");
const BLIP_KEY_FORM: ValueForm =
    Words("the value of the header, with or without the word Key before it");
const SECRETS_FORM: ValueForm = Words("a comma list of secrets");

/// All settings, in the order in which they are explained.
pub static ALL_VARIABLES: &[Variable] = &[
    variable(VariableGroup::Slack, "SLACK_BOT_TOKEN")
        .means("The token with which the bridge acts in Slack (OAuth & Permissions)")
        .form(Words("a token that begins with xoxb-"), "xoxb-your-token")
        .need(Always)
        .privacy(Secret),
    variable(VariableGroup::Slack, "SLACK_SIGNING_SECRET")
        .means("Proves that a request is from Slack (Basic Information); several while rotating")
        .form(SECRETS_FORM, "your-signing-secret")
        .need(When("without SLACK_APP_TOKEN"))
        .privacy(Secret),
    variable(VariableGroup::Slack, "SLACK_APP_TOKEN")
        .means(
            "Socket Mode, if Slack cannot reach the bridge: app-level token with connections:write",
        )
        .form(Words("a token that begins with xapp-"), "xapp-your-token")
        .privacy(Secret),
    variable(VariableGroup::Slack, "SLACK_CHANNEL")
        .means("The channel for tickets that have no other, or whose own is gone")
        .form(CHANNEL_FORM, "#atendimento")
        .need(Always),
    variable(VariableGroup::Slack, "SLACK_TEAM_CHANNELS")
        .means("A channel for each Blip team")
        .form(Words("a comma list of Team=channel"), "Vendas=C024BE91L,Suporte=#suporte"),
    variable(VariableGroup::Slack, "SLACK_API_URL")
        .means("Where the Web API of Slack is, for proxies and tests")
        .form(URL_FORM, "https://slack.com/api")
        .default("https://slack.com/api"),
    variable(VariableGroup::Slack, "SLACK_CHANNEL_RATE")
        .means("Posts per second and channel; 0 leaves the pace to Slack")
        .form(Words("0, or a number from 0.01 to 100"), "1")
        .default("1"),
    variable(VariableGroup::Blip, "BLIP_KEY")
        .means("Authorization header of the bot that owns the tickets (connection information)")
        .form(BLIP_KEY_FORM, "your-key")
        .need(When("without BLIP_BOTS"))
        .privacy(Secret),
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
    variable(VariableGroup::Bots, "BLIP_BOTS")
        .means("Short names of the bots; the webhook of vendas is /blip/webhook/vendas")
        .form(BOT_NAMES_FORM, "vendas,suporte"),
    variable(VariableGroup::Bots, "BLIP_{BOT}_KEY")
        .means("What BLIP_KEY is, for this bot")
        .form(BLIP_KEY_FORM, "your-key")
        .need(When("for each bot"))
        .privacy(Secret),
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
    variable(VariableGroup::Agents, "AGENTS")
        .means("Who is an agent: the full members of the channel, or a user group of Slack")
        .form(Words("channel, or a user group id such as S0614TZR7"), "channel")
        .default("channel"),
    variable(VariableGroup::Agents, "AGENT_MAP")
        .means("Who an agent is at Blip, where the e-mail address in Slack is not the one there")
        .form(
            Words("a comma list of user=e-mail or user=identity"),
            "U024BE7LH=ana@loja.com,U0G9QF9C6=rui%40loja.com@blip.ai",
        )
        .privacy(Personal),
    variable(VariableGroup::Agents, "BLIP_DEFAULT_AGENT")
        .means("Who holds a ticket at Blip if the agent has no e-mail address in Slack")
        .form(Words("an e-mail address or an identity at blip.ai"), "atendimento@loja.com")
        .privacy(Personal),
    variable(VariableGroup::Desk, "CLAIM_REACTION")
        .means("The reaction that claims a ticket")
        .form(Words("the name of an emoji that the bridge does not use itself"), "eyes")
        .default("eyes"),
    variable(VariableGroup::Desk, "CLOSE_REACTION")
        .means("The reaction that closes a ticket")
        .form(Words("the name of an emoji that the bridge does not use itself"), "white_check_mark")
        .default("white_check_mark"),
    variable(VariableGroup::Desk, "REACTIONS_ON")
        .means("Where these reactions count: on the card, or on any message of its thread")
        .form(OneOf(&["card", "thread"]), "card")
        .default("card"),
    variable(VariableGroup::Desk, "REPLY_CLAIMS")
        .means("Whether the first reply to a ticket that nobody holds claims it")
        .form(Flag, "true")
        .default("true"),
    variable(VariableGroup::Desk, "REPLY_POLICY")
        .means("Whose replies go to the customer: those of the holder, or of any agent")
        .form(OneOf(&["holder", "anyone"]), "holder")
        .default("holder"),
    variable(VariableGroup::Desk, "NOTE_PREFIX")
        .means("A message that begins with this, in capitals or not, stays in Slack")
        .form(Words("1 to 10 characters of which the editor of Slack makes no formatting, list, mention or command"), "//")
        .default("//"),
    variable(VariableGroup::Desk, "SEND_READ_RECEIPTS")
        .means("Whether Blip is told that agents have been shown what a customer said")
        .form(Flag, "true")
        .default("true"),
    variable(VariableGroup::Desk, "SEND_DELAY_SECONDS")
        .means("How long a reply can be deleted, edited or made a note before it is sent")
        .form(Whole(0, 30), "0")
        .default("0"),
    variable(VariableGroup::Desk, "PRIVACY_MASK")
        .means("Numbers of people and cards that nobody reads in Slack; Blip keeps them as they are")
        .form(Words("a comma list of cpf, cnpj and card"), "cpf,cnpj,card"),
    variable(VariableGroup::Desk, "CONTEXT_MESSAGES")
        .means("How many messages before the handoff are shown; 0 for none")
        .form(Whole(0, 100), "10")
        .default("10"),
    variable(VariableGroup::Desk, "RECONCILE_SECONDS")
        .means("How often Blip is asked for tickets that it closed itself; 0 for never. What was missed while the bridge was down is looked for in any case")
        .form(Words("0, or a whole number from 10 to 86400"), "120")
        .default("120"),
    variable(VariableGroup::Desk, "REMIND_UNCLAIMED_MINUTES")
        .means("After how long a ticket that nobody has claimed is brought up again; 0 for never")
        .form(Whole(0, 1440), "0")
        .default("0"),
    variable(VariableGroup::Desk, "REMIND_UNANSWERED_MINUTES")
        .means("After how long a customer who waits for an answer is brought up; 0 for never")
        .form(Whole(0, 1440), "0")
        .default("0"),
    variable(VariableGroup::Desk, "ESCALATE_TO")
        .means("The user group of Slack that hears of it when two reminders were not enough")
        .form(Words("a user group id such as S0614TZR7"), "S0614TZR7"),
    variable(VariableGroup::Desk, "BUSINESS_HOURS")
        .means("When the team works, in TIMEZONE; reminders count only this time")
        .form(Words("days and hours such as mon-fri 09:00-18:00"), "mon-fri 09:00-18:00"),
    variable(VariableGroup::Locale, "LOCALE")
        .means("The language of what the bridge writes in Slack")
        .form(OneOf(&["pt-BR", "en", "es"]), "pt-BR")
        .default("pt-BR"),
    variable(VariableGroup::Locale, "TIMEZONE")
        .means("The time zone of the times that it writes")
        .form(Words("the name of a time zone of the IANA database"), "America/Sao_Paulo")
        .default("America/Sao_Paulo"),
    variable(VariableGroup::Service, "HOST")
        .means("The address to listen on")
        .form(Words("an IP address or a host name"), "0.0.0.0")
        .default("0.0.0.0"),
    variable(VariableGroup::Service, "PORT")
        .means("The port to listen on")
        .form(Whole(0, 65535), "3000")
        .default("3000"),
    variable(VariableGroup::Service, "PUBLIC_URL")
        .means("Where others reach the bridge: for files to customers, and for the manifest of the Slack app")
        .form(URL_FORM, "https://bridge.loja.com"),
    variable(VariableGroup::Service, "MEDIA_MAX_MB")
        .means("The largest file that is taken over from a customer; larger ones are shown as a link")
        .form(Whole(1, 1000), "100")
        .default("100"),
    variable(VariableGroup::Service, "MEDIA_LINK_HOURS")
        .means("How long the address of a file that was sent to a customer is good")
        .form(Whole(1, 8760), "168")
        .default("168"),
    variable(VariableGroup::Service, "MEDIA_ALLOW_LOOPBACK")
        .means("Whether a customer's file may come from this machine, without encryption: for tests")
        .form(Flag, "false")
        .default("false"),
    variable(VariableGroup::Service, "DATABASE_URL")
        .means("Where everything is kept")
        .form(
            Words("sqlite:// and a path (PostgreSQL is not in this release)"),
            "sqlite:///var/lib/blip-slack/blip-slack.db",
        )
        .default("sqlite://blip-slack.db"),
    variable(VariableGroup::Service, "RETAIN_BODIES_DAYS")
        .means("For how many days the text of handled events is kept")
        .form(Whole(0, 365), "7")
        .default("7"),
    variable(VariableGroup::Service, "RETAIN_TICKETS_DAYS")
        .means("For how many days closed tickets are kept, with names, numbers and links")
        .form(Whole(1, 3650), "365")
        .default("365"),
    variable(VariableGroup::Service, "SHUTDOWN_SECONDS")
        .means("How long stopping waits for work under way")
        .form(Whole(1, 600), "20")
        .default("20"),
    variable(VariableGroup::Service, "LOG")
        .means("What is logged: a level, or levels by module")
        .form(
            Words("error, warn, info, debug, trace or off, or a filter such as info,blip_slack=debug"),
            "info",
        )
        .default("info"),
    variable(VariableGroup::Service, "LOG_FORMAT")
        .means("How the log is written")
        .form(OneOf(&["text", "json"]), "text")
        .default("text"),
    variable(VariableGroup::Service, "OTEL_EXPORTER_OTLP_ENDPOINT")
        .means("Where traces go: a collector of OpenTelemetry (OTLP over HTTP). The program must be built with the feature otlp")
        .form(Words("an http or https address without a path to traces"), "http://localhost:4318"),
    variable(VariableGroup::Service, "OTEL_EXPORTER_OTLP_HEADERS")
        .means("What the collector wants to see with them, such as a key")
        .form(Words("a comma list of name=value, with values percent-encoded"), "x-api-key=your-key")
        .privacy(Secret),
    variable(VariableGroup::Service, "OTEL_SERVICE_NAME")
        .means("The name under which traces are shown")
        .form(Words("a name"), "blip-slack")
        .default("blip-slack"),
];
