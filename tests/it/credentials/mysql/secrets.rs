//! What lull knows is told to nobody.

use super::{login, lull, server, userlist, users, verifier};
use crate::support::mysql::Flavor;

#[test]
fn no_secret_is_in_the_log_at_trace_level_in_the_metrics_or_in_an_answer() {
    for flavor in Flavor::ALL {
        let server = server(flavor);
        let level = "[log]\nlevel = \"trace\"";
        let lull = lull(&server, &userlist(&server), "login_failures_max = 1000", level);
        for (user, password) in users(flavor) {
            login(user, password).to(lull.address());
            login(user, "Pa55-that-is-wrong")
                .try_to(lull.address())
                .unwrap_err();
        }
        let [(hashed, password), (_, plain)] = users(flavor);
        let kept = verifier(&server, hashed);
        server
            .superuser("")
            .run(&format!("ALTER USER {hashed} IDENTIFIED BY 'Pa55-of-later'"));
        login(hashed, password).try_to(lull.address()).unwrap_err();
        let status = lull.cli(&["status", "--json"]);
        let status = String::from_utf8_lossy(&status.stdout).into_owned();
        let said = [lull.log(), lull.metrics(), status].concat();
        assert!(said.contains("1045"), "{said}");
        let digits = kept.trim_start_matches(['*', '0', 'x']);
        for secret in ["Pa55", password, plain, digits] {
            let line = said.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret}");
        }
    }
}
