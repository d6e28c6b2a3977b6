//! The page of the demo: customers' phones on the left, the Slack channel on the right.
//!
//! It is a few files that the program carries with it, and holds no state: what it shows comes from
//! the stand-ins, and what people do on it goes to them. Only this machine can reach it.

use std::borrow::Cow;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use blip_slack_standins::blip::CannedReply;
use blip_slack_standins::by_hand;
use serde_json::json;
use tokio::net::TcpListener;

use super::Stage;
use super::folder::TemporaryFolder;
use super::program::Program;
use crate::app::Tuning;
use crate::locale::Language;
use crate::manifest::render_manifest;

/// The files, by name, with their type.
const FILES: [(&str, &str, &str); 10] = [
    ("", "text/html; charset=utf-8", include_str!("page/index.html")),
    ("page.css", "text/css; charset=utf-8", include_str!("page/page.css")),
    ("page.js", "text/javascript; charset=utf-8", include_str!("page/page.js")),
    ("phone.js", "text/javascript; charset=utf-8", include_str!("page/phone.js")),
    ("slack.js", "text/javascript; charset=utf-8", include_str!("page/slack.js")),
    ("blocks.js", "text/javascript; charset=utf-8", include_str!("page/blocks.js")),
    ("dialog.js", "text/javascript; charset=utf-8", include_str!("page/dialog.js")),
    ("texts.js", "text/javascript; charset=utf-8", include_str!("page/texts.js")),
    ("tools.js", "text/javascript; charset=utf-8", include_str!("page/tools.js")),
    // Emoji as Slack names them.
    (
        "emoji.tsv",
        "text/tab-separated-values; charset=utf-8",
        include_str!("../slack/text/emoji/names.tsv"),
    ),
];

/// What a page may do: load its own files, and show files that the platforms and the service serve.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data: http://127.0.0.1:*; media-src 'self' http://127.0.0.1:*; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// Serves the page on this port until it is to stop, with the real service as a process beside it.
///
/// # Errors
///
/// What could not be started.
pub async fn serve_page(port: u16, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    // Before anything else is started: a port that is taken is told at once.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| format!("listen on port {port}; --port chooses another one"))?;
    let address = listener.local_addr().context("listen")?;
    let folder = TemporaryFolder::new()?;
    // Without a pace, so that whoever plays sees at once what they have done.
    let settings = [("SLACK_CHANNEL_RATE", "0"), ("LOG", "error")];
    let stage = Stage::without_bridge(&folder.database()?, &settings, Tuning::default()).await?;
    prepare(&stage);
    let hands = by_hand::router(Some(stage.slack.clone()), Some(stage.blip.clone()));
    let program = Arc::new(Program::new(stage)?);
    program.start().await?;
    writeln!(std::io::stdout(), "The demo is at http://{address}/demo (until Ctrl+C)")
        .context("write to standard output")?;
    tokio::select! {
        served = axum::serve(listener, router(hands, &program)).into_future() => {
            served.context("serve the page")?;
        }
        () = stop => {}
    }
    program.kill().await
}

/// What platforms do that the script needs not: receipts, canned replies, longer retries.
fn prepare(stage: &Stage) {
    stage.blip.configure(|setup| {
        setup.sends_receipts = true;
        setup.tags = ["Entrega", "Pagamento", "Troca"].map(str::to_owned).to_vec();
        setup.replies = [
            ("Saudações", "Bom dia", "Olá, {{contact.name}}! Como posso ajudar?"),
            ("Entrega", "Prazo", "Seu pedido chega em até 3 dias úteis."),
        ]
        .map(|(category, name, text)| CannedReply {
            category: category.to_owned(),
            name: name.to_owned(),
            text: text.to_owned(),
            ..CannedReply::default()
        })
        .to_vec();
    });
    // A service that was killed may be started again minutes later (slack.md §B.1).
    let patient = || vec![Duration::from_secs(1); 600];
    stage.slack.configure_delivery(|policy| policy.retries = patient());
    stage.blip.configure_delivery(|policy| policy.retries = patient());
}

fn router(hands: Router, program: &Arc<Program>) -> Router {
    let service = Router::new()
        .route("/demo/service", get(service))
        .route("/demo/service/{order}", post(order))
        .with_state(Arc::clone(program));
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/demo") }))
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .route("/demo", get(|| file(Path(String::new()))))
        .route("/demo/{name}", get(file))
        .nest("/demo/people", hands)
        .merge(service)
        .layer(from_fn(only_here))
}

/// Another site's name that leads to this machine does not get in.
async fn only_here(request: axum::extract::Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let name = host.map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name));
    // A page elsewhere can have its own name lead to 127.0.0.1 and would be same-origin then; the
    // `Host` header still says its name (DNS rebinding).
    if matches!(name, Some("localhost" | "127.0.0.1")) {
        next.run(request).await
    } else {
        StatusCode::MISDIRECTED_REQUEST.into_response()
    }
}

async fn file(Path(name): Path<String>) -> Response {
    let known = FILES.iter().find(|(known, ..)| *known == name);
    let (kind, text) = match known {
        Some((_, kind, text)) => (*kind, Cow::Borrowed(*text)),
        None => match render_app(&name) {
            Some(manifest) => ("application/json", Cow::Owned(manifest)),
            None => return StatusCode::NOT_FOUND.into_response(),
        },
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // A newer program on the same port must not be shown with the older one's files.
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, text).into_response()
}

/// The shortcuts and the like that the app has in Slack, in the language of a file's name.
fn render_app(name: &str) -> Option<String> {
    let tag = name.strip_prefix("manifest.")?.strip_suffix(".json")?;
    let language = Language::ALL.into_iter().find(|language| language.tag() == tag)?;
    render_manifest(true, None, language).ok()
}

/// How the service is; waits for a change from what has been seen.
async fn service(State(program): State<Arc<Program>>, headers: HeaderMap) -> Response {
    let seen = headers.get("x-seen").and_then(|seen| seen.to_str().ok()?.parse().ok());
    let mut life = program.watch();
    let is_news = life.wait_for(|life| Some(life.changes) != seen);
    // Nothing new for so long is an answer as well.
    drop(tokio::time::timeout(Duration::from_secs(20), is_news).await);
    let life = json!(*life.borrow());
    ([(header::CONTENT_TYPE, "application/json")], life.to_string()).into_response()
}

/// Kills or starts the service, or has it speak another language.
async fn order(
    State(program): State<Arc<Program>>,
    Path(order): Path<String>,
    headers: HeaderMap,
) -> Response {
    // What another site's page may send without being asked never has this header.
    if !headers.contains_key("x-demo") {
        return StatusCode::FORBIDDEN.into_response();
    }
    let done = match order.as_str() {
        "kill" => program.kill().await,
        "start" => program.start().await,
        locale @ ("pt-BR" | "en" | "es") => restart(&program, locale).await,
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    match done {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
    }
}

async fn restart(program: &Program, locale: &str) -> anyhow::Result<()> {
    program.kill().await?;
    program.speak(locale).await;
    program.start().await
}
