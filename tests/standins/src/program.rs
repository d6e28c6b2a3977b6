//! The stand-ins as a program: one of them on a port of this machine, until Ctrl+C.
//!
//! What people do there, and the trouble they make, comes over HTTP by another port
//! ([`crate::by_hand`]): nothing of it is on the port of the platform, as it is not at the real one.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use axum::Router;
use clap::{Args, Parser, Subcommand};

use crate::blip::{self, Blip};
use crate::by_hand;
use crate::server;
use crate::slack::{self, Slack, User};

/// The channel that everybody is in.
const CHANNEL: (&str, &str) = ("C0SUPPORT", "support");
/// The people: id, name and e-mail address.
const PEOPLE: [(&str, &str, &str); 2] =
    [("U0ANA", "Ana Lima", "ana@loja.example"), ("U0BIA", "Bia Souza", "bia@loja.example")];

/// Strict stand-ins for Slack and Blip, to test an app of one of them against.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    #[command(subcommand)]
    platform: Platform,
}

#[derive(Debug, Subcommand)]
enum Platform {
    /// A Slack workspace with one channel, two people and your app.
    Slack {
        #[command(flatten)]
        place: Place,
        /// The app connects (Socket Mode), so that Slack sends no requests.
        #[arg(long, conflicts_with = "deliver_to")]
        socket_mode: bool,
        /// Do not enforce the documented rates.
        #[arg(long)]
        without_limits: bool,
    },
    /// A Blip bot with a desk, whose tickets go to your custom channel.
    Blip {
        #[command(flatten)]
        place: Place,
        /// Do not tell the app what became of its messages.
        #[arg(long)]
        without_receipts: bool,
    },
}

#[derive(Debug, Args)]
struct Place {
    /// The port of the platform; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The port on which people's deeds and trouble are asked for; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    control_port: u16,
    /// Where the app is: what happens is delivered there.
    #[arg(long, value_name = "URL")]
    deliver_to: Option<String>,
}

/// A stand-in that runs, and what is to be said of it.
struct Running {
    people: Router,
    settings: Vec<(&'static str, String)>,
    example: String,
    /// Whether the app connects, instead of being called.
    is_connected_to: bool,
}

/// Runs the stand-in that was asked for until `stop`, and says at the start what to set in the app.
///
/// # Errors
///
/// If a port cannot be taken, or nobody can read what is said.
pub async fn run(arguments: Arguments, stop: impl Future<Output = ()>) -> io::Result<()> {
    let (name, place, running) = match arguments.platform {
        Platform::Slack { place, socket_mode, without_limits } => {
            let setup = slack::Setup { socket_mode, limits: !without_limits, ..Default::default() };
            let running = start_slack(&place, setup).await?;
            ("Slack", place, running)
        }
        Platform::Blip { place, without_receipts } => {
            let setup = blip::Setup { sends_receipts: !without_receipts, ..Default::default() };
            let running = start_blip(&place, setup).await?;
            ("Blip", place, running)
        }
    };
    let control = server::bind(place.control_port).await?;
    let control_url = format!("http://{}", control.local_addr()?);
    let text = describe(name, &place, &running, &control_url);
    let mut out = io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())?;
    tokio::select! {
        served = axum::serve(control, running.people).into_future() => served,
        () = stop => Ok(()),
    }
}

async fn start_slack(place: &Place, setup: slack::Setup) -> io::Result<Running> {
    let is_connected_to = setup.socket_mode;
    let mut settings = vec![("bot token", setup.token.clone())];
    settings.push(if is_connected_to {
        ("app-level token", setup.app_token.clone())
    } else {
        ("signing secret", setup.signing_secret.clone())
    });
    let slack = Slack::start_on(place.port, setup).await?;
    for (id, name, email) in PEOPLE {
        slack.add_user(User::member(id, name, email));
    }
    let (channel, name) = CHANNEL;
    slack.add_channel(channel, name, &PEOPLE.map(|(id, ..)| id));
    if let Some(url) = &place.deliver_to {
        slack.deliver_to(url);
    }
    settings.insert(0, ("base of the Web API", slack.api_url()));
    settings.push(("channel", format!("{channel} (#{name})")));
    settings.push(("people", PEOPLE.map(|(id, name, _)| format!("{id} ({name})")).join(", ")));
    let example = format!(
        r#"{{"deed": "says", "user": "{}", "channel": "{channel}", "root": null, "text": "Hello", "broadcast": false}}"#,
        PEOPLE[0].0
    );
    Ok(Running { people: by_hand::router(Some(slack), None), settings, example, is_connected_to })
}

async fn start_blip(place: &Place, setup: blip::Setup) -> io::Result<Running> {
    let settings = vec![
        ("bot", setup.identity.clone()),
        ("key (Authorization)", setup.key.clone()),
        ("token of the channel", format!("{} in the header {}", setup.token, setup.header)),
        ("agents", setup.agents.join(", ")),
        ("queues", setup.teams.join(", ")),
    ];
    let blip = Blip::start_on(place.port, setup).await?;
    if let Some(url) = &place.deliver_to {
        blip.deliver_to(url);
    }
    let base = [("base of the endpoints", blip.api_url())];
    let settings = base.into_iter().chain(settings).collect();
    let example = r#"{"deed": "customer-says", "customer": "5531999990000@wa.gw.msging.net", "name": "Maria", "text": "Hello"}"#;
    let people = by_hand::router(None, Some(blip));
    Ok(Running { people, settings, example: example.to_owned(), is_connected_to: false })
}

/// What to set in the app, in plain words.
fn describe(name: &str, place: &Place, running: &Running, control_url: &str) -> String {
    let mut text = format!("A stand-in for {name} runs until Ctrl+C. Set in your app:\n\n");
    for (what, value) in &running.settings {
        writeln!(text, "  {what:<22}{value}").ok();
    }
    let target = match &place.deliver_to {
        Some(url) => format!("What happens is delivered to {url}."),
        None if running.is_connected_to => {
            "What happens is delivered to the app that connects.".into()
        }
        None => {
            "What happens is delivered nowhere; --deliver-to URL says where your app is.".into()
        }
    };
    let example = &running.example;
    write!(
        text,
        "\n{target}\n\nPeople, and trouble, are at {control_url}:\n\n  \
         GET  /transcript  what people see, as text\n  \
         GET  /view        all that is to be seen, and under \"broken\" each rule that the app broke\n  \
         POST /deed        {example}\n  \
         POST /deed        {{\"deed\": \"fails\", \"platform\": \"{}\", \"call\": \"*\", \
         \"how\": \"lost-answer\", \"times\": 1}}\n",
        name.to_lowercase()
    )
    .ok();
    text
}
