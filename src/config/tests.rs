//! What a configuration may say, and what is said of one that is wrong.

use super::*;

const SMALLEST: &str = "[[cluster]]\nname = \"shop\"\nprotocol = \"postgresql\"\nlisten = [\"127.0.0.1:6432\"]\nprimary = \"db.example:5432\"\n";

fn complaint(text: &str) -> String {
    Config::parse(text, "lull.toml").unwrap_err().to_string()
}

fn with(line: &str) -> String {
    format!("{SMALLEST}{line}\n")
}

#[test]
fn four_keys_are_enough() {
    let config = Config::parse(SMALLEST, "lull.toml").unwrap();
    let cluster = &config.clusters[0];
    assert_eq!(cluster.limits, Limits::default());
    assert_eq!(cluster.primary.tls.mode, SslMode::Prefer);
    assert_eq!(cluster.client_tls.mode, ClientTlsMode::Disable);
    assert!(cluster.announce && config.workers > 0);
}

#[test]
fn what_is_fit_for_postgresql_and_not_for_mysql_is_named() {
    let mysql = SMALLEST.replace("postgresql", "mysql");
    let terminate = "[cluster.auth]\nmode = \"terminate\"\nusers_file = \"users.txt\"\npeer = true";
    let is = complaint(&format!("{mysql}{terminate}\n"));
    assert!(is.contains("COM_CHANGE_USER"), "{is}");
    assert!(Config::parse(&with(terminate), "lull.toml").is_ok());
    let service = "[cluster.service]\nuser = \"lull\"";
    for (text, database) in [(mysql, ""), (SMALLEST.to_owned(), "postgres")] {
        let config = Config::parse(&format!("{text}{service}\n"), "lull.toml").unwrap();
        assert_eq!(config.clusters[0].service.as_ref().unwrap().database, database);
    }
}

#[test]
fn every_complaint_says_where_and_what_was_expected() {
    for (line, expected) in [
        ("lisen = 1", "lull.toml:6:1: unknown field `lisen`"),
        (
            "login_timeout = \"soon\"",
            "lull.toml:6:17: \"soon\" is no duration; expected a number with a unit",
        ),
        (
            "login_timeout = \"0s\"",
            "lull.toml:6:17: login_timeout must be above zero",
        ),
        (
            "connections_max = 0",
            "lull.toml:6:19: connections_max must be at least 1",
        ),
        ("inspect_bytes_max = \"1 elephant\"", "lull.toml:6:21: "),
        (
            "bypass_listen = [\"127.0.0.1:6432\"]",
            "lull.toml:6:18: 127.0.0.1:6432 is taken already, by listen of cluster shop",
        ),
        (
            "bypass_listen = [\"db.example:5432\"]",
            "lull.toml:6:18: db.example:5432 is the primary itself",
        ),
        (
            "bypass_listen = [\"6433\"]",
            "lull.toml:6:17: \"6433\" is no address: the port is missing",
        ),
        (
            "bypass_users = [\"\"]",
            "lull.toml:6:17: an empty name in bypass_users",
        ),
        (
            "primary_sslmode = \"verify-full\"",
            "lull.toml:6:19: this primary_sslmode needs primary_ca",
        ),
        (
            "[cluster.tls]\nmode = \"require\"",
            "lull.toml:6:1: TLS for clients needs cert and key",
        ),
        (
            "[cluster.tls]\ncert = \"c\"",
            "lull.toml:6:1: cert and key go together",
        ),
        (
            "[cluster.auth]\nmode = \"terminate\"",
            "lull.toml:6:1: mode = \"terminate\" needs users_file or auth_query",
        ),
        (
            "[cluster.auth]\nmode = \"terminate\"\nauth_query = \"SELECT $1\"",
            "lull.toml:8:14: auth_query needs [cluster.service]",
        ),
        (
            "[cluster.auth]\nauth_query = \"SELECT 1\"",
            "lull.toml:7:14: auth_query must ask for the user $1",
        ),
        (
            "[cluster.service]\nuser = \"lull\"\ncert = \"c\"",
            "lull.toml:6:1: cert and key go together",
        ),
        (
            "[cluster.service]\nuser = \"\"",
            "lull.toml:7:8: an empty name in user",
        ),
        (
            "login_failures_max = 0",
            "lull.toml:6:22: login_failures_max must be at least 1",
        ),
        (SMALLEST, "lull.toml:7:8: a second cluster is called shop"),
    ] {
        let is = complaint(&with(line));
        assert!(is.starts_with(expected), "{line}: {is}");
    }
}

#[test]
fn a_file_without_a_cluster_or_with_an_unfit_name_is_refused() {
    assert!(complaint("").contains("no [[cluster]]"));
    for name in ["", "all", "a/b", "a b"] {
        let text = SMALLEST.replace("\"shop\"", &format!("\"{name}\""));
        assert!(complaint(&text).starts_with("lull.toml:2:8"), "{name}");
    }
    assert!(complaint(&SMALLEST.replace("postgresql", "oracle")).contains("postgresql"));
}

#[test]
fn flags_make_one_cluster_named_main() {
    let flags = Flags {
        protocol: Protocol::PostgreSql,
        primary: "127.0.0.1:5432".parse().unwrap(),
        replicas: Vec::new(),
        listen: vec!["127.0.0.1:6432".parse().unwrap()],
        bypass: vec![],
        admin: Some("/a/b.sock".into()),
        metrics: None,
        state: Some("/s".into()),
    };
    let config = Config::from_flags(flags.clone()).unwrap();
    assert_eq!(config.clusters[0].name, "main");
    assert_eq!(config.admin_socket, PathBuf::from("/a/b.sock"));
    let doubled = Flags {
        bypass: flags.listen.clone(),
        ..flags
    };
    assert!(
        Config::from_flags(doubled)
            .unwrap_err()
            .to_string()
            .contains("given twice")
    );
}

#[test]
fn the_example_file_loads_and_documents_every_key() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/lull.example.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    Config::load(&path).unwrap();
    let keys = |line: &str| {
        line.trim_start_matches('#')
            .split_once(" = ")
            .map(|(key, _)| key.trim().to_owned())
    };
    let documented: BTreeSet<String> = text.lines().filter_map(keys).collect();
    for field in fields_of_the_file() {
        let is_table = text.contains(&format!("[{field}]")) || text.contains(&format!("[cluster.{field}]"));
        assert!(
            documented.contains(&field) || is_table,
            "deploy/lull.example.toml does not document {field}"
        );
    }
}

#[test]
fn what_the_example_file_shows_commented_out_is_valid_too() {
    let text = include_str!("../../deploy/lull.example.toml");
    let is_key = |rest: &&str| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[');
    let uncommented = |line: &str| line.strip_prefix('#').filter(is_key).unwrap_or(line).to_owned() + "\n";
    let all: String = text.lines().map(uncommented).collect();
    let all = all.replace("mode = \"allow\"", "mode = \"require\"");
    let config = Config::parse(&all, "every key set").unwrap();
    assert_eq!(config.clusters[0].limits, Limits::default());
}

/// As they stand in the source, so that none is forgotten.
fn fields_of_the_file() -> Vec<String> {
    let keys = include_str!("raw.rs").split("/// Finds").next().unwrap();
    let fields = keys
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub(super) "));
    let fields: Vec<_> = fields
        .filter_map(|line| line.split_once(": "))
        .map(|(name, _)| name.to_owned())
        .collect();
    assert!(fields.len() > 25);
    fields
}
