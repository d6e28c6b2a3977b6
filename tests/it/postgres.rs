//! The real service on PostgreSQL: one instance, and two that share the work. Skipped, and said so,
//! where there is no server.

use std::time::Duration;

use blip_slack::clock::Clock;
use blip_slack::demo::{ANA, CHANNEL};
use blip_slack::store::{self, Purpose};
use futures_util::future::join_all;

use crate::restart::{converse, faults_of, insist, open_tickets};
use crate::support::{Balancer, Bridge, PostgresSchema, Service, note};

/// Tickets that are open at the same time.
const TICKETS: usize = 12;
/// How long catching up may take after the last trouble.
const CATCHING_UP: Duration = Duration::from_secs(90);
/// Longer than an instance counts as alive without being heard of.
const LONGER_THAN_A_LEASE: Duration = Duration::from_secs(11);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_ticket_is_handled_on_postgresql() {
    let Some(schema) = PostgresSchema::make().await else { return };
    let mut bridge = Bridge::with(&[("DATABASE_URL", schema.url())]).await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap();
    bridge.until("the reply", || bridge.received(&ticket) == ["Olá!"]).await;
    bridge.blip.says(&ticket, "Tudo bem?").await.unwrap();
    bridge.idle().await;
    assert!(bridge.said(&card).concat().contains("Tudo bem?"));
    // What it knows is there after a start.
    bridge.stop_bridge().await;
    bridge.start_bridge().await.unwrap();
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.until("the end", || bridge.blip.ticket(&ticket).unwrap().is_closed()).await;
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_look_into_the_database_beside_a_running_bridge() {
    let Some(schema) = PostgresSchema::make().await else { return };
    let mut bridge = Bridge::with(&[("DATABASE_URL", schema.url())]).await;
    bridge.ticket("Maria", "Oi").await;
    bridge.idle().await;
    let folder = bridge.folder().to_owned();
    let service = Service::replace(&mut bridge, &folder).await;
    let told = |arguments: &[&str]| {
        let output = service.run(arguments);
        let words = [output.stdout, output.stderr].map(|out| String::from_utf8(out).unwrap());
        (output.status.success(), words.concat())
    };
    assert_eq!(told(&["parked"]), (true, "Nothing is parked.\n".to_owned()));
    assert!(told(&["retry"]).1.contains("0 put back"));
    let customer = ["--customer", "maria@wa.gw.msging.net"];
    let (is_done, words) = told(&["privacy", "export", customer[0], customer[1]]);
    assert!(is_done && words.contains("Maria"), "{words}");
    let (is_done, words) = told(&["privacy", "erase", customer[0], customer[1], "--yes"]);
    assert!(is_done && words.contains("1 ticket erased"), "{words}");
    let (is_done, words) = told(&["store", "backup", "copy.db"]);
    assert!(!is_done && words.contains("pg_dump"), "{words}");
    let password = schema.url().replace("postgres@", "postgres:secret@");
    let doctor = service.command(&["doctor"]).env("DATABASE_URL", password).output().unwrap();
    let words = String::from_utf8(doctor.stdout).unwrap();
    assert!(words.contains("DATABASE_URL: the database can be read and written"), "{words}");
    assert!(!words.contains("secret") && !service.log().contains("postgres@"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_lost_for_a_while_loses_nothing_and_is_told() {
    let Some(schema) = PostgresSchema::make().await else { return };
    // So that nobody else is cut off.
    let url = format!("{}&application_name=cut_{}", schema.url(), std::process::id());
    let bridge = Bridge::with(&[("DATABASE_URL", &url)]).await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.idle().await;
    bridge.blip.retries_until_taken();
    let cut = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'cut_{}'",
        std::process::id()
    );
    // Connections are lost while work is under way: nobody outside notices.
    for number in 0..10 {
        let words = format!("text-{number}");
        let (said, ()) = tokio::join!(bridge.blip.says(&ticket, &words), schema.run(&cut));
        assert_eq!(said.unwrap().status, Some(200));
    }
    bridge.idle().await;
    // Without its tables, as without a server, nothing is taken in, and it is told.
    schema.run("ALTER TABLE item RENAME TO away").await;
    bridge.becomes(false, "DATABASE_URL").await;
    let late = bridge.blip.says(&ticket, "text-10");
    let repair = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        schema.run("ALTER TABLE away RENAME TO item").await;
    };
    let (late, ()) = tokio::join!(late, repair);
    assert_eq!(late.unwrap().status, Some(200));
    bridge.becomes(true, "ready").await;
    bridge.idle().await;
    let said = bridge.said(&card).concat();
    let places: Vec<_> = (0..=10).map(|number| said.find(&format!("text-{number}"))).collect();
    assert!(places.iter().all(Option::is_some), "{said}");
    assert_eq!(said.matches("text-").count(), 11, "{said}");
    bridge.finish().await;
}

#[tokio::test]
async fn a_server_with_a_certificate_is_asked_for_it_as_sslmode_says() {
    let Some(schema) = PostgresSchema::make().await else { return };
    let open = async |parameters: &str| {
        let url = format!("{}&{parameters}", schema.url());
        store::open_store(&url, &Clock::system(), Purpose::Serve).await.map(drop)
    };
    for mode in ["disable", "prefer"] {
        open(&format!("sslmode={mode}")).await.unwrap();
    }
    if !schema.has_tls().await {
        note("the server has no certificate");
        let refused = open("sslmode=require").await.unwrap_err();
        assert!(refused.to_string().contains("TLS"), "{refused}");
        return;
    }
    open("sslmode=require").await.unwrap();
    // The certificate vouches for itself, and bears another name.
    let own = format!("sslrootcert={}", schema.certificate().await);
    open(&format!("sslmode=verify-ca&{own}")).await.unwrap();
    open(&format!("sslmode=require&{own}")).await.unwrap();
    let named = open(&format!("sslmode=verify-full&{own}")).await.unwrap_err();
    assert!(named.to_string().contains("not valid for name"), "{named}");
    // Somebody else's authority.
    let all = std::fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap();
    let end = "-----END CERTIFICATE-----\n";
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.pem");
    std::fs::write(&other, all.split_inclusive(end).next().unwrap()).unwrap();
    for mode in ["require", "verify-ca", "verify-full"] {
        let url = format!("sslmode={mode}&sslrootcert={}", other.display());
        let refused = open(&url).await.unwrap_err();
        assert!(refused.to_string().contains("invalid peer certificate"), "{mode}: {refused}");
        assert!(matches!(refused, store::Error::Database(_)), "it does not pass: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_copied_from_sqlite_and_goes_on_there_while_the_file_refuses_to_serve() {
    let Some(schema) = PostgresSchema::make().await else { return };
    let mut bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Mária", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    bridge.idle().await;
    let folder = bridge.folder().to_owned();
    let mut service = Service::replace(&mut bridge, &folder).await;
    let copy = |service: &Service, target: &str| {
        let output =
            service.command(&["store", "copy"]).env("TARGET_DATABASE_URL", target).output();
        let output = output.unwrap();
        let words = [output.stdout, output.stderr].map(|out| String::from_utf8(out).unwrap());
        (output.status.success(), words.concat())
    };
    // Not while it is served.
    let (is_done, words) = copy(&service, schema.url());
    assert!(!is_done && words.contains("serves this database already"), "{words}");
    assert!(service.terminate().await.success());
    // What arrives meanwhile is repeated later.
    let (is_done, words) = copy(&service, schema.url());
    assert!(is_done && words.contains("1\tticket\n"), "{words}");
    let (is_done, words) = copy(&service, schema.url());
    assert!(!is_done && words.contains("was copied to PostgreSQL"), "{words}");
    let refused = bridge.start_bridge().await.unwrap_err();
    assert!(format!("{refused:#}").contains("was copied to PostgreSQL"), "{refused:#}");
    bridge.set_setting("DATABASE_URL", schema.url());
    bridge.start_bridge().await.unwrap();
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap();
    bridge.until("the reply", || bridge.received(&ticket) == ["Olá!"]).await;
    let found = bridge.app().unwrap().store().find_tickets("maria", 9).await.unwrap();
    assert_eq!(found.len(), 1);
    bridge.finish().await;
}

/// Has trouble with one instance after the other: killed, and stopped for longer than its lease.
async fn make_trouble(instances: &mut [Service], stop: impl Future<Output = ()>) {
    let mut random = fastrand::Rng::with_seed(7);
    let mut stop = std::pin::pin!(stop);
    for round in 0.. {
        let instance = &mut instances[round % 2];
        let pause = Duration::from_millis(random.u64(300..1500));
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(pause) => {}
        }
        if round % 4 == 1 {
            instance.signal("STOP");
            tokio::time::sleep(LONGER_THAN_A_LEASE).await;
            instance.signal("CONT");
            instance.becomes_ready().await;
        } else {
            instance.kill();
            instance.start().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_lose_repeat_and_reorder_nothing_while_each_is_killed_or_stopped_in_turn() {
    let Some(schema) = PostgresSchema::make().await else { return };
    let settings = [("DATABASE_URL", schema.url()), ("LOG", "info")];
    let mut bridge = Bridge::with(&settings).await;
    let folder = bridge.folder().to_owned();
    let folders = ["a", "b"].map(|name| folder.join(name));
    for folder in &folders {
        std::fs::create_dir(folder).unwrap();
    }
    let first = Service::replace(&mut bridge, &folders[0]).await;
    let second = Service::beside(&mut bridge, &folders[1]).await;
    let mut instances = [first, second];
    let urls = instances.iter().map(|instance| instance.url().to_owned()).collect();
    let balancer = Balancer::start(&bridge, urls).await;
    note(balancer.url());
    bridge.blip.retries_until_taken();
    bridge.slack.configure_delivery(|policy| policy.retries = vec![Duration::from_millis(50); 900]);
    let mut pairs = Vec::new();
    let play = async {
        pairs = open_tickets(&bridge, TICKETS).await;
        join_all(pairs.iter().map(|pair| converse(&bridge, pair))).await;
        tokio::time::sleep(Duration::from_secs(4)).await;
    };
    make_trouble(&mut instances, play).await;
    instances[0].idle(CATCHING_UP).await;
    join_all(pairs.iter().map(|pair| insist(&bridge, pair))).await;
    instances[0].idle(CATCHING_UP).await;
    let faults: Vec<String> = pairs.iter().flat_map(|pair| faults_of(&bridge, pair)).collect();
    let logs = || instances.iter().map(Service::log).collect::<String>();
    assert!(faults.is_empty(), "{faults:#?}\n{}", logs());
    assert_eq!(bridge.slack.cards(CHANNEL).len(), TICKETS);
    for instance in &mut instances {
        assert_eq!(instance.metric("blip_slack_parked_events").await, Some(0.0));
        assert!(instance.terminate().await.success());
    }
    let violations = [bridge.slack.violations(), bridge.blip.violations()].concat();
    assert!(violations.is_empty(), "{violations:#?}");
}
