//! The ways to run the bridge that come with it agree with the program and with each other.
//!
//! As far as that goes without an engine: what is written is read as Kubernetes, Compose, systemd and
//! Docker read it, and compared with the settings, the doors and the commands that there are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use blip_slack::config::{self, ALL_VARIABLES, Config};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service as Balancer};
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::{Bridge, Service, note};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Read by the program's libraries, not by its settings: where passing files are kept.
const FOREIGN: &str = "TMPDIR";

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

fn compose() -> Value {
    serde_saphyr::from_str(&read("manifests/compose.yaml")).unwrap()
}

/// The objects for Kubernetes, each by its kind: one bridge with a file.
fn kubernetes() -> BTreeMap<String, Value> {
    kubernetes_in("manifests/kubernetes.yaml")
}

/// Those of several bridges with PostgreSQL.
fn kubernetes_with_postgres() -> BTreeMap<String, Value> {
    kubernetes_in("manifests/kubernetes.postgres.yaml")
}

fn kubernetes_in(path: &str) -> BTreeMap<String, Value> {
    let text = read(path);
    let objects = text.split("\n---\n").map(|object| serde_saphyr::from_str(object).unwrap());
    objects.map(|object: Value| (object["kind"].as_str().unwrap().to_owned(), object)).collect()
}

/// What the pod of Kubernetes has in its environment.
fn kubernetes_environment() -> BTreeMap<String, String> {
    environment_in(&kubernetes())
}

fn environment_in(objects: &BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let fields = [&objects["ConfigMap"]["data"], &objects["Secret"]["stringData"]];
    let fields = fields.into_iter().flat_map(|fields| fields.as_object().unwrap());
    fields.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

/// The lines `key=value` of the unit, without what is continued or repeated being told apart.
fn unit() -> Vec<(String, String)> {
    let text = read("manifests/blip-slack.service");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// The instructions of the Dockerfile: the word, and the rest with its continued lines.
fn dockerfile() -> Vec<(String, String)> {
    let text = read("manifests/Dockerfile").replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let instructions = lines.map(|line| line.split_once(' ').unwrap());
    instructions.map(|(word, rest)| (word.to_owned(), rest.trim().to_owned())).collect()
}

/// The arguments of each instruction of this kind.
fn all<'a>(instructions: &'a [(String, String)], word: &str) -> Vec<&'a str> {
    let found = instructions.iter().filter(|(key, _)| key == word);
    found.map(|(_, rest)| rest.as_str()).collect()
}

fn default_of(name: &str) -> u64 {
    config::Variable::find(name).unwrap().default.unwrap().parse().unwrap()
}

#[test]
fn every_variable_is_a_setting_with_a_value_that_is_accepted() {
    let mut named: BTreeMap<String, String> = kubernetes_environment();
    let service = &compose()["services"]["bridge"];
    for (name, value) in service["environment"].as_object().unwrap() {
        named.insert(name.clone(), value.as_str().unwrap().to_owned());
    }
    for line in all(&unit(), "Environment") {
        let (name, value) = line.split_once('=').unwrap();
        named.insert(name.to_owned(), value.to_owned());
    }
    let image = dockerfile();
    for pair in all(&image, "ENV").iter().flat_map(|line| line.split_whitespace()) {
        let (name, value) = pair.split_once('=').unwrap();
        named.insert(name.to_owned(), value.to_owned());
    }
    named.remove(FOREIGN).unwrap();
    for name in named.keys() {
        assert!(ALL_VARIABLES.iter().any(|variable| variable.name == name), "{name}");
    }
    let loaded =
        Config::load(&|name| named.get(name).cloned(), &|_| Err(ErrorKind::NotFound.into()));
    assert!(loaded.is_ok(), "{loaded:?}");
}

#[test]
fn what_kubernetes_sets_is_enough_to_start_and_secrets_are_in_the_secret() {
    for objects in [kubernetes(), kubernetes_with_postgres()] {
        let set = environment_in(&objects);
        let config =
            Config::load(&|name| set.get(name).cloned(), &|_| Err(ErrorKind::NotFound.into()));
        let config = config.unwrap();
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
        for variable in ALL_VARIABLES.iter().filter(|variable| variable.is_secret()) {
            // The path of a file is no secret; the address of a server holds a password.
            let value = objects["ConfigMap"]["data"].get(variable.name);
            let is_path = |value: &Value| value.as_str().unwrap().starts_with("sqlite://");
            assert!(value.is_none_or(is_path), "{}", variable.name);
        }
        for name in objects["Secret"]["stringData"].as_object().unwrap().keys() {
            let variable = config::Variable::find(name);
            assert!(variable.is_some_and(config::Variable::is_secret), "{name}");
        }
    }
}

/// Reads an object as Kubernetes does; a field that it does not know is dropped, and so found.
fn holds_as<T: DeserializeOwned + Serialize>(object: &Value) -> T {
    let typed: T = serde_json::from_value(object.clone()).unwrap();
    assert_eq!(&serde_json::to_value(&typed).unwrap(), object, "fields that are not known");
    typed
}

#[test]
fn kubernetes_knows_every_field() {
    let objects = kubernetes();
    let kinds =
        ["ConfigMap", "Deployment", "Ingress", "PersistentVolumeClaim", "Secret", "Service"];
    assert_eq!(objects.keys().collect::<Vec<_>>(), kinds);
    holds_as::<ConfigMap>(&objects["ConfigMap"]);
    holds_as::<Deployment>(&objects["Deployment"]);
    holds_as::<Ingress>(&objects["Ingress"]);
    holds_as::<PersistentVolumeClaim>(&objects["PersistentVolumeClaim"]);
    holds_as::<Secret>(&objects["Secret"]);
    holds_as::<Balancer>(&objects["Service"]);

    let objects = kubernetes_with_postgres();
    let kinds = ["ConfigMap", "Deployment", "Ingress", "PodDisruptionBudget", "Secret", "Service"];
    assert_eq!(objects.keys().collect::<Vec<_>>(), kinds);
    holds_as::<ConfigMap>(&objects["ConfigMap"]);
    holds_as::<Deployment>(&objects["Deployment"]);
    holds_as::<PodDisruptionBudget>(&objects["PodDisruptionBudget"]);
    holds_as::<Secret>(&objects["Secret"]);
}

/// What an operator reads in the one holds for the other, but for what several bridges are about.
#[test]
fn several_bridges_differ_from_one_only_in_their_number_and_their_database() {
    let (one, mut several) = (kubernetes(), kubernetes_with_postgres());
    for kind in ["Ingress", "Service"] {
        assert_eq!(several[kind], one[kind], "{kind}");
    }
    let (one_set, mut set) = (environment_in(&one), environment_in(&several));
    let address = set.insert("DATABASE_URL".to_owned(), one_set["DATABASE_URL"].clone()).unwrap();
    assert!(address.starts_with("postgres://") && address.ends_with("sslmode=verify-full"));
    assert_eq!(set, one_set);

    let spec = &mut several.get_mut("Deployment").unwrap()["spec"];
    assert_eq!(spec["replicas"], 2);
    let rolling = json!({"maxSurge": 1, "maxUnavailable": 0});
    assert_eq!(spec["strategy"], json!({"type": "RollingUpdate", "rollingUpdate": rolling}));
    let pod = &mut spec["template"]["spec"];
    let spread = pod.as_object_mut().unwrap().remove("topologySpreadConstraints").unwrap();
    let labels = one["Deployment"]["spec"]["selector"]["matchLabels"].clone();
    assert_eq!(spread[0]["labelSelector"]["matchLabels"], labels);
    assert_eq!(pod["volumes"][0]["name"], pod["containers"][0]["volumeMounts"][0]["name"]);
    assert!(pod["volumes"][0]["emptyDir"]["sizeLimit"].is_string(), "nothing is kept in there");
    let mut alone = one["Deployment"]["spec"]["template"].clone();
    for pod in [&mut alone["spec"], &mut spec["template"]["spec"]] {
        pod.as_object_mut().unwrap().remove("volumes");
        pod["containers"][0]["volumeMounts"][0].as_object_mut().unwrap().remove("name");
    }
    assert_eq!(spec["template"], alone);

    let budget = &several["PodDisruptionBudget"]["spec"];
    assert_eq!(budget["minAvailable"], 1);
    assert_eq!(budget["selector"]["matchLabels"], labels);
}

#[test]
fn compose_with_postgres_adds_a_server_that_the_bridge_waits_for() {
    let added: Value = serde_saphyr::from_str(&read("manifests/compose.postgres.yaml")).unwrap();
    let services = added["services"].as_object().unwrap();
    assert_eq!(services.keys().collect::<Vec<_>>(), ["bridge", "postgres"]);
    let (bridge, server) = (&services["bridge"], &services["postgres"]);
    assert_eq!(bridge["depends_on"], json!({"postgres": {"condition": "service_healthy"}}));
    let set = server["environment"].as_object().unwrap();
    let [user, database, password] = ["POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"]
        .map(|name| set[name].as_str().unwrap());
    let address = bridge["environment"]["DATABASE_URL"].as_str().unwrap();
    let expected = format!("postgres://{user}:{password}@postgres:5432/{database}?sslmode=disable");
    assert_eq!(address, expected);
    // As it is with a password in it.
    let address = address.replace(password, "0123456789abcdef");
    let mut named = kubernetes_environment();
    named.insert("DATABASE_URL".to_owned(), address);
    let loaded =
        Config::load(&|name| named.get(name).cloned(), &|_| Err(ErrorKind::NotFound.into()));
    assert!(loaded.is_ok(), "{loaded:?}");
    assert!(server.get("ports").is_none(), "nobody else reaches it");
    let test: Vec<&str> = server["healthcheck"]["test"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(test.contains(&format!("--username={user}").as_str()), "{test:?}");
    let volume = server["volumes"][0].as_str().unwrap().split_once(':').unwrap().0.to_owned();
    assert!(added["volumes"].get(&volume).is_some());
}

#[test]
fn a_field_that_kubernetes_does_not_know_is_found() {
    let mut deployment = kubernetes().remove("Deployment").unwrap();
    deployment["spec"]["template"]["spec"]["readOnlyRootFilesystem"] = json!(true);
    assert!(std::panic::catch_unwind(|| holds_as::<Deployment>(&deployment)).is_err());
}

#[test]
fn kubernetes_runs_one_bridge_with_what_it_needs_and_no_more() {
    let objects = kubernetes();
    let spec = &objects["Deployment"]["spec"];
    assert_eq!(spec["replicas"], 1, "the database belongs to one process");
    assert_eq!(spec["strategy"], json!({"type": "Recreate"}));
    let labels = &spec["template"]["metadata"]["labels"];
    assert_eq!(&spec["selector"]["matchLabels"], labels);
    assert_eq!(&objects["Service"]["spec"]["selector"], labels);

    let pod = &spec["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    assert_eq!(pod["automountServiceAccountToken"], false);
    let image = dockerfile();
    let user = all(&image, "USER").pop().unwrap().split_once(':').unwrap().0;
    assert_eq!(pod["securityContext"]["runAsUser"].to_string(), user);
    let container = &pod["containers"][0];
    let context = json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
        "capabilities": {"drop": ["ALL"]}});
    assert_eq!(container["securityContext"], context);
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        assert_eq!(container[probe]["httpGet"], json!({"path": "/healthz", "port": "http"}));
    }
    assert!(container["resources"]["limits"]["memory"].is_string());

    for (reference, kind) in [
        (&container["envFrom"][0]["configMapRef"]["name"], "ConfigMap"),
        (&container["envFrom"][1]["secretRef"]["name"], "Secret"),
        (&pod["volumes"][0]["persistentVolumeClaim"]["claimName"], "PersistentVolumeClaim"),
    ] {
        assert_eq!(reference, &objects[kind]["metadata"]["name"]);
    }
    assert_eq!(container["volumeMounts"][0]["name"], pod["volumes"][0]["name"]);
    let requests = &objects["PersistentVolumeClaim"]["spec"]["resources"]["requests"];
    assert!(requests["storage"].is_string());
}

#[test]
fn the_version_is_the_same_in_the_manifests_and_in_the_changelog() {
    let version = env!("CARGO_PKG_VERSION");
    let pod = &kubernetes()["Deployment"]["spec"]["template"]["spec"];
    let image = pod["containers"][0]["image"].as_str().unwrap();
    assert!(image.ends_with(&format!("/blip-slack:{version}")), "{image}");
    let changelog = read("CHANGELOG.md");
    assert!(changelog.contains(&format!("\n## [{version}] - 20")), "what is new in {version}?");
}

#[test]
fn strangers_reach_what_they_need_through_the_ingress_and_nothing_else() {
    let ingress = &kubernetes()["Ingress"]["spec"];
    let paths = ingress["rules"][0]["http"]["paths"].as_array().unwrap();
    let paths: BTreeSet<&str> = paths.iter().map(|path| path["path"].as_str().unwrap()).collect();
    assert_eq!(paths, BTreeSet::from(["/blip/", "/media/", "/slack/"]));
    let host = &ingress["rules"][0]["host"];
    let url = format!("https://{}", host.as_str().unwrap());
    assert_eq!(kubernetes_environment()["PUBLIC_URL"], url);
    assert_eq!(&ingress["tls"][0]["hosts"][0], host);
}

#[test]
fn there_is_time_to_stop_in_order_everywhere() {
    let needed = default_of("SHUTDOWN_SECONDS");
    let pod = &kubernetes()["Deployment"]["spec"]["template"]["spec"];
    assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() > needed);
    let grace = compose()["services"]["bridge"]["stop_grace_period"].as_str().unwrap().to_owned();
    assert!(grace.trim_end_matches('s').parse::<u64>().unwrap() > needed);
    let unit = unit();
    assert!(all(&unit, "TimeoutStopSec")[0].parse::<u64>().unwrap() > needed);
}

#[test]
fn the_port_and_the_database_are_the_same_everywhere() {
    let port = default_of("PORT").to_string();
    let image = dockerfile();
    assert_eq!(all(&image, "EXPOSE"), [port.as_str()]);
    let service = &compose()["services"]["bridge"];
    let published = service["ports"][0].as_str().unwrap();
    assert!(published.starts_with("127.0.0.1:") && published.ends_with(&format!(":{port}")));
    let pod = &kubernetes()["Deployment"]["spec"]["template"];
    assert_eq!(pod["metadata"]["annotations"]["prometheus.io/port"], port.as_str());
    let container = &pod["spec"]["containers"][0];
    assert_eq!(container["ports"][0]["containerPort"].to_string(), port);

    // On the volume of the image, which is the one that is mounted.
    let database = "sqlite:///data/blip-slack.db";
    assert!(all(&image, "ENV")[0].contains(&format!("DATABASE_URL={database} ")));
    assert_eq!(all(&image, "VOLUME"), [r#"["/data"]"#]);
    assert_eq!(service["environment"]["DATABASE_URL"], database);
    assert_eq!(service["volumes"][0], "data:/data");
    assert_eq!(kubernetes_environment()["DATABASE_URL"], database);
    assert_eq!(container["volumeMounts"][0]["mountPath"], "/data");
}

#[test]
fn compose_runs_one_service_that_can_write_to_its_volume_only() {
    let compose = compose();
    let names: Vec<&String> = compose.as_object().unwrap().keys().collect();
    assert_eq!(names, ["name", "services", "volumes"]);
    assert_eq!(compose["services"].as_object().unwrap().len(), 1);
    let service = compose["services"]["bridge"].as_object().unwrap();
    let known = BTreeSet::from([
        "build",
        "cap_drop",
        "env_file",
        "environment",
        "image",
        "logging",
        "mem_limit",
        "pids_limit",
        "ports",
        "read_only",
        "restart",
        "security_opt",
        "stop_grace_period",
        "volumes",
    ]);
    assert_eq!(service.keys().map(String::as_str).collect::<BTreeSet<_>>(), known);
    assert_eq!(service["read_only"], true);
    assert_eq!(service["cap_drop"], json!(["ALL"]));
    assert_eq!(service["security_opt"], json!(["no-new-privileges:true"]));
    assert!(compose["volumes"].get("data").is_some());
    let folder = Path::new(ROOT).join("manifests");
    let context = folder.join(service["build"]["context"].as_str().unwrap());
    assert!(context.join(service["build"]["dockerfile"].as_str().unwrap()).exists());
    assert_eq!(service["env_file"], "../.env", "where the README has it made");
}

#[test]
fn the_image_holds_the_program_alone_and_runs_it_as_nobody() {
    let image = dockerfile();
    let stages = all(&image, "FROM");
    let (last, build) = stages.split_last().unwrap();
    assert_eq!(*last, "scratch");
    let [build] = build else { panic!("one stage builds: {build:?}") };
    let rust = read("Cargo.toml");
    let rust = rust.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    assert!(build.starts_with(&format!("rust:{}-", rust.trim_matches('"'))), "{build}");
    assert!(build.ends_with(" AS build"));

    assert!(all(&image, "ADD").is_empty(), "COPY fetches nothing and unpacks nothing");
    let copies = all(&image, "COPY");
    assert!(copies.iter().skip(1).all(|copy| copy.starts_with("--from=build ")));
    for run in all(&image, "RUN").iter().filter(|run| run.contains("apt-get")) {
        for part in ["--no-install-recommends", " -y ", "rm -rf /var/lib/apt/lists/*"] {
            assert!(run.contains(part), "{part} in {run}");
        }
    }
    let user = all(&image, "USER").pop().unwrap();
    let (user, group) = user.split_once(':').unwrap();
    assert!(user.parse::<u32>().unwrap() > 0 && group.parse::<u32>().unwrap() > 0);

    // Without a shell, each command is a list of words; the program knows them.
    let health = all(&image, "HEALTHCHECK").pop().unwrap().split_once("CMD ").unwrap().1;
    let entry: Vec<String> = serde_json::from_str(all(&image, "ENTRYPOINT")[0]).unwrap();
    for command in [health, all(&image, "CMD")[0]] {
        let words: Vec<String> = serde_json::from_str(command).unwrap();
        let words = words.iter().filter(|word| !entry.contains(word));
        let help =
            Command::new(env!("CARGO_BIN_EXE_blip-slack")).args(words).arg("--help").output();
        assert!(help.unwrap().status.success(), "{command}");
    }
    let left_out = read(".dockerignore");
    for name in [".env", ".git", "target"] {
        assert!(left_out.lines().any(|line| line == name), "{name} is in the image's context");
    }
}

#[test]
fn systemd_takes_the_unit_and_finds_little_that_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("blip-slack.service");
    let mut text = String::new();
    for line in read("manifests/blip-slack.service").lines() {
        let line = line.replace("/usr/local/bin/blip-slack", env!("CARGO_BIN_EXE_blip-slack"));
        writeln!(text, "{line}").unwrap();
    }
    fs::write(&file, text).unwrap();
    let analyze = |arguments: &[&str]| {
        let mut command = Command::new("systemd-analyze");
        let output = command.args(arguments).arg(&file).stdin(Stdio::null()).output();
        match output {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            output => Some(output.unwrap()),
        }
    };
    let Some(verified) = analyze(&["verify"]) else {
        return note("systemd-analyze is not here: the unit was not looked at");
    };
    let told = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && !told.contains("blip-slack.service"), "{told}");
    // From 0, which may nothing, to 100.
    let rated = analyze(&["security", "--offline=true", "--threshold=15", "--no-pager"]).unwrap();
    assert!(rated.status.success(), "{}", String::from_utf8_lossy(&rated.stdout));
}

#[test]
fn the_unit_leaves_what_the_bridge_needs_and_little_else() {
    let unit = unit();
    for (key, value) in [
        ("User", "blip-slack"),
        ("CapabilityBoundingSet", ""),
        ("NoNewPrivileges", "yes"),
        ("ProtectHome", "yes"),
        ("ProtectSystem", "strict"),
        ("UMask", "0077"),
    ] {
        assert_eq!(all(&unit, key), [value], "{key}");
    }
    // By the id of this start of the machine it knows that a power cut lies behind it.
    assert!(all(&unit, "ProcSubset").is_empty());
    // IPv4, IPv6, and the socket of the commands beside it.
    assert_eq!(all(&unit, "RestrictAddressFamilies"), ["AF_INET AF_INET6 AF_UNIX"]);
    let state = all(&unit, "StateDirectory")[0].to_owned();
    let database = format!("DATABASE_URL=sqlite:///var/lib/{state}/blip-slack.db");
    assert!(all(&unit, "Environment").contains(&database.as_str()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_healthcheck_tells_whether_the_bridge_is_alive() {
    let mut bridge = Bridge::start().await;
    let folder = bridge.folder().to_owned();
    let mut service = Service::replace(&mut bridge, &folder).await;
    let ask = |service: &Service| {
        let output = service.run(&["healthcheck"]);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(ask(&service), (Some(0), String::new()));
    // As the image sets it: to listen on every address.
    let everywhere = service.command(&["healthcheck"]).env("HOST", "0.0.0.0").status().unwrap();
    assert!(everywhere.success());
    assert!(service.terminate().await.success());
    let (code, told) = ask(&service);
    assert!(code == Some(1) && told.contains("/healthz"), "{told}");
    let other = HashMap::from([("PORT", "many")]);
    assert!(!service.command(&["healthcheck"]).envs(other).status().unwrap().success());
}
