//! auth_query: the server itself says what it knows of a user, to lull's own account.

use super::{PASSWORD, psql, server, write_secret};
use crate::support::places::{Account, Scratch};
use crate::support::tls::Certificate;
use crate::support::{Lull, Postgres, Settings, Version, eventually};
use crate::transparency::program;

pub const QUERY: &str = "SELECT rolname, CASE WHEN rolvaliduntil < now() THEN NULL ELSE rolpassword END \
    FROM pg_authid WHERE rolname = $1 AND rolcanlogin";

pub fn lull(server: &Postgres, query: &str, password: &str) -> Lull {
    lull_with("", server, query, password)
}

/// `first` is the beginning of the configuration.
fn lull_with(first: &str, server: &Postgres, query: &str, password: &str) -> Lull {
    Lull::with_config(server, |addresses| {
        let file = addresses.directory.join("service.pw");
        write_secret(&file, &format!("{password}\n"));
        let auth = format!(
            "[cluster.auth]\nmode = \"terminate\"\nauth_query = \"{query}\"\n\
             [cluster.service]\nuser = \"service\"\npassword_file = \"{}\"",
            file.display()
        );
        format!("{first}\n{}", addresses.config("", &auth))
    })
}

fn login(lull: &Lull, user: &str, password: &str) -> std::process::Command {
    psql(Version::Newest, &lull.connect_string(user, "postgres"), password)
}

fn check(lull: &Lull) -> String {
    let config = lull.directory().join("lull.toml").display().to_string();
    let checked = lull.cli(&["check", "--config", &config]);
    String::from_utf8_lossy(&checked.stdout).into_owned()
}

#[test]
fn users_come_in_whom_only_the_server_knows() {
    for version in Version::ALL {
        let server = server(version);
        let lull = lull(&server, QUERY, "of-the-service");
        for user in ["scram-sha-256", "md5"] {
            assert_eq!(program::run(&mut login(&lull, user, PASSWORD)).trim(), user);
        }
        let unknown = program::fail(&mut login(&lull, "nobody", "x"));
        assert!(
            unknown.contains("password authentication failed for user \"nobody\""),
            "{unknown}"
        );
        let expected = "ok    main: service account: service logs in, and auth_query runs";
        assert!(check(&lull).contains(expected), "{}", check(&lull));
        // The connection is kept.
        let kept =
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'service' AND application_name = 'lull'";
        eventually("that of the check has gone", || {
            (server.value("postgres", kept)? == "1").then_some(())
        });
        // A session that came before a reload keeps the configuration of its time, but nothing else of it.
        let held = program::Running::start(login(&lull, "md5", PASSWORD).args(["-c", "SELECT pg_sleep(60)"]));
        eventually("a session is there", || {
            let there =
                "SELECT count(*) FROM pg_stat_activity WHERE usename = 'md5' AND query LIKE '%sleep%'";
            (server.value("postgres", there)? == "1").then_some(())
        });
        assert!(lull.cli(&["reload"]).status.success());
        eventually("the one of before the reload is closed", || {
            (server.value("postgres", kept)? == "0").then_some(())
        });
        drop(held);
        program::run(&mut login(&lull, "md5", PASSWORD));
        // And opened again when the server has closed it.
        server
            .superuser("postgres")
            .run("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'service'");
        program::run(&mut login(&lull, "scram-sha-256", PASSWORD));
    }
}

/// The workers share one connection for their questions.
#[test]
fn a_storm_of_logins_over_several_workers_comes_in() {
    let server = server(Version::Newest);
    let lull = lull_with("workers = 3", &server, QUERY, "of-the-service");
    let script = lull.directory().join("one.sql");
    std::fs::write(&script, "SELECT 1;\n").unwrap();
    let port = lull.address().port().to_string();
    let crowd: Vec<_> = ["scram-sha-256", "md5"]
        .into_iter()
        .map(|user| {
            let mut pgbench = program::newest("pgbench");
            pgbench.args([
                "-n",
                "-C",
                "-c",
                "10",
                "-j",
                "2",
                "-t",
                "15",
                "-h",
                "127.0.0.1",
                "-p",
                &port,
            ]);
            pgbench
                .args(["-U", user, "-f"])
                .arg(&script)
                .arg("postgres")
                .env("PGPASSWORD", PASSWORD);
            program::Running::start(&mut pgbench)
        })
        .collect();
    // Meanwhile others guess, each as another: none of their names is remembered yet.
    for stranger in 0..10 {
        program::fail(&mut login(&lull, &format!("stranger{stranger}"), "x"));
    }
    for pgbench in crowd {
        let said = pgbench.finish();
        assert!(said.contains("actually processed: 150/150"), "{said}");
    }
    let kept = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'service'";
    assert_eq!(server.value("postgres", kept).as_deref(), Some("1"));
}

#[test]
fn a_password_that_is_rotated_or_has_expired_is_the_servers_business() {
    let server = server(Version::Newest);
    let lull = lull(&server, QUERY, "of-the-service");
    let user = "scram-sha-256";
    program::run(&mut login(&lull, user, PASSWORD));
    server
        .superuser("postgres")
        .run("ALTER ROLE \"scram-sha-256\" PASSWORD 'rotated'");
    program::fail(&mut login(&lull, user, PASSWORD));
    program::run(&mut login(&lull, user, "rotated"));
    server
        .superuser("postgres")
        .run("ALTER ROLE \"scram-sha-256\" VALID UNTIL '2001-01-01'");
    let expired = program::fail(&mut login(&lull, user, "rotated"));
    assert!(expired.contains("password authentication failed"), "{expired}");
}

/// Whoever may create objects in a schema must not decide what the query means.
#[test]
fn the_query_finds_nothing_that_is_not_named_with_its_schema() {
    let server = server(Version::Newest);
    let function = "CREATE FUNCTION public.known(text) RETURNS TABLE (n name, s text) SECURITY DEFINER LANGUAGE sql \
        AS 'SELECT rolname, rolpassword FROM pg_catalog.pg_authid WHERE rolname = $1'";
    server.superuser("postgres").run(function);
    let unqualified = lull(&server, "SELECT n, s FROM known($1)", "of-the-service");
    let dsn = format!(
        "{} options=-csearch_path=public",
        unqualified.connect_string("md5", "postgres")
    );
    let refused = program::fail(&mut psql(Version::Newest, &dsn, PASSWORD));
    assert!(refused.contains("internal problem"), "{refused}");
    assert!(
        unqualified.log().contains("auth_query: 42883"),
        "{}",
        unqualified.log()
    );
    assert!(check(&unqualified).contains("FAIL  main: service account: upstream: auth_query: 42883"));
    let qualified = lull(&server, "SELECT n, s FROM public.known($1)", "of-the-service");
    program::run(&mut login(&qualified, "md5", PASSWORD));
}

#[test]
fn a_service_account_that_cannot_log_in_is_in_the_log_and_not_told_to_clients() {
    let server = server(Version::Newest);
    let lull = lull(&server, QUERY, "of-nobody");
    let said = program::fail(&mut login(&lull, "md5", PASSWORD));
    assert!(
        said.contains("internal problem") && !said.contains("service"),
        "{said}"
    );
    let expected = "the service account \"service\" cannot log in: upstream: it refused the login: 28P01";
    assert!(lull.log().contains(expected), "{}", lull.log());
    let checked = check(&lull);
    assert!(checked.contains("FAIL  main: service account"), "{checked}");
}

#[test]
fn the_service_account_can_show_a_certificate() {
    let scratch = Scratch::new("cert", Account::of_servers());
    // The certificate's name is that of the role.
    let certificate = Certificate::make(&scratch, "service", Account::of_servers());
    let settings = Settings::of(Version::Newest)
        .hba("hostssl all localhost 127.0.0.1/32 cert")
        .hba("host all app 127.0.0.1/32 scram-sha-256")
        .setting("ssl_ca_file", &certificate.cert.display().to_string());
    let server = Postgres::start_with(settings);
    let mut admin = server.superuser("postgres");
    admin.run("CREATE ROLE localhost LOGIN; GRANT SELECT ON pg_authid TO localhost");
    admin.run("ALTER ROLE app PASSWORD 'secret'");
    let lull = Lull::with_config(&server, |addresses| {
        let auth = format!(
            "[cluster.auth]\nmode = \"terminate\"\nauth_query = \"{QUERY}\"\n\
             [cluster.service]\nuser = \"localhost\"\ncert = \"{}\"\nkey = \"{}\"",
            certificate.cert.display(),
            certificate.key.display()
        );
        addresses.config("primary_sslmode = \"require\"", &auth)
    });
    assert_eq!(program::run(&mut login(&lull, "app", PASSWORD)).trim(), "app");
}
