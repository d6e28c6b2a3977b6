//! The file of the database as an operator meets it: missing, of somebody else, without room.

use std::fs;
use std::os::unix::fs::chown;
use std::process::Command;

use crate::support::{Bridge, Service};

/// A bridge whose program is stopped, and that program.
async fn stopped() -> (Bridge, Service) {
    let mut bridge = Bridge::start().await;
    let folder = bridge.folder().to_owned();
    let mut service = Service::replace(&mut bridge, &folder).await;
    assert!(service.terminate().await.success());
    (bridge, service)
}

/// What a command says, and how it ends.
fn run(service: &Service, arguments: &[&str]) -> (Option<i32>, String) {
    let output = service.run(arguments);
    let words = [output.stdout, output.stderr].map(|out| String::from_utf8(out).unwrap());
    (output.status.code(), words.concat())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_without_a_database_say_where_it_should_be_and_make_none() {
    let (bridge, service) = stopped().await;
    let database = bridge.folder().join("bridge.db");
    for entry in fs::read_dir(bridge.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains("bridge.db") {
            fs::remove_file(path).unwrap();
        }
    }
    let count = || fs::read_dir(bridge.folder()).unwrap().count();
    let before = count();
    for arguments in [&["parked"][..], &["retry"]] {
        let (status, words) = run(&service, arguments);
        assert_eq!((status, words.lines().count()), (Some(1), 1), "{words}");
        assert_eq!(words.matches(database.to_str().unwrap()).count(), 1, "{words}");
        assert!(words.contains("there is no database"), "{words}");
        assert_eq!(count(), before, "{arguments:?} made a file");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_are_for_the_owner_of_the_database_only() {
    let (bridge, service) = stopped().await;
    if chown(bridge.folder().join("bridge.db"), Some(12345), None).is_err() {
        // Only root can give files away.
        return;
    }
    for arguments in [&["parked"][..], &["retry"]] {
        let (status, words) = run(&service, arguments);
        assert_eq!(status, Some(1), "{words}");
        assert!(words.contains("belongs to another user"), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_on_a_full_disk_waits_for_room_and_says_so() {
    let (bridge, mut service) = stopped().await;
    fs::remove_file(bridge.folder().join("bridge.db")).unwrap();
    // No file may grow beyond 32 KiB: too little for the tables, enough for the log.
    service.first("trap '' XFSZ; ulimit -S -f 64");
    service.launch();
    bridge.until("word of it", || service.log().contains("make room")).await;
    assert!(service.log().contains("bridge.db"), "{}", service.log());
    let pid = service.pid();
    let lifted = Command::new("prlimit").args(["--fsize=unlimited", "--pid", &pid]).status();
    assert!(lifted.unwrap().success());
    service.becomes_ready().await;
    bridge.ticket("Maria Silva", "Oi").await;
    // Told to stop while it waits, it stops.
    assert!(service.terminate().await.success());
    fs::remove_file(bridge.folder().join("bridge.db")).unwrap();
    service.launch();
    let times = |log: &str| log.matches("make room").count();
    bridge.until("word of it again", || times(&service.log()) == 2).await;
    assert!(service.terminate().await.success());
}
