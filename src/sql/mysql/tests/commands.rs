//! Classes by command.

use super::*;

#[test]
fn what_only_reads_is_read() {
    for text in [
        "SELECT 1",
        "select * from t where a = 'into outfile'",
        "(SELECT 1) UNION (SELECT 2)",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "VALUES (1)",
        "TABLE t",
        "SELECT 1 INTO @a",
        "SELECT * FROM t LOCK IN SHARE MODE",
        "SELECT * FROM t FOR SHARE",
        "SELECT INSERT('a', 1, 1, 'b'), REPLACE('a', 'b', 'c')",
        "SELECT `update`, t.delete FROM t",
        "SHOW TABLES",
        "SHOW CREATE TABLE t",
        "EXPLAIN SELECT 1",
        "DESC t",
        "DESCRIBE t a",
        "HELP 'x'",
        "CHECKSUM TABLE t",
        "CHECK TABLE t",
        "DO 1",
        "USE a",
        "SET @a = 1, @b := 2",
        "SET ROLE NONE",
        "HANDLER t READ FIRST",
        "HANDLER t CLOSE",
        "SIGNAL SQLSTATE '45000'",
        "GET DIAGNOSTICS @n = NUMBER",
        "BEGIN",
        "BEGIN WORK",
        "START TRANSACTION",
        "START TRANSACTION READ ONLY",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT a",
        "ROLLBACK TO a",
        "RELEASE SAVEPOINT a",
        "UNLOCK TABLES",
        "XA START 'x'",
        "XA END 'x'",
        "XA RECOVER",
        "KILL QUERY 5",
        "DEALLOCATE PREPARE p",
        "DROP PREPARE p",
        "LOAD INDEX INTO CACHE t",
    ] {
        assert_eq!(class(text), Class::Read, "{text}");
    }
}

#[test]
fn a_commit_of_one_phase_is_for_ones_own_branch_on_mariadb_only() {
    let class = |dialect| one_in("XA COMMIT 'x' ONE PHASE", dialect).class;
    assert_eq!(class(MARIADB), Class::Read);
    assert!(matches!(class(MYSQL), Class::Leak(_)));
}

#[test]
fn what_the_server_refuses_in_a_read_only_session_is_guarded() {
    for text in [
        "INSERT INTO t VALUES (1)",
        "REPLACE t VALUES (1)",
        "UPDATE t SET a = 1",
        "DELETE FROM t",
        "WITH a AS (SELECT 1) DELETE FROM t",
        "SELECT * FROM t FOR UPDATE",
        "(SELECT * FROM t FOR UPDATE)",
        "SELECT * FROM t FOR /* */ UPDATE SKIP LOCKED",
        "SELECT NEXTVAL(s)",
        "SELECT NEXT VALUE FOR s",
        "SELECT s.nextval",
        "DO SETVAL(s, 1)",
        "SET @a = NEXTVAL(s)",
        "EXPLAIN DELETE FROM t",
        "EXPLAIN REPLACE INTO t VALUES (1)",
        "ANALYZE FORMAT=JSON UPDATE t SET a = 1",
        "TRUNCATE t",
        "LOAD DATA INFILE 'x' INTO TABLE t",
        "LOAD XML INFILE 'x' INTO TABLE t",
        "CREATE TABLE t (a int)",
        "CREATE TEMPORARY TABLE t (a int)",
        "CREATE OR REPLACE VIEW v AS SELECT 1",
        "DROP TABLE t",
        "DROP DATABASE d",
        "ALTER TABLE t ADD a int",
        "RENAME TABLE a TO b",
        "GRANT SELECT ON a.* TO b",
        "REVOKE ALL ON a.* FROM b",
        "SET PASSWORD = 'x'",
        "SET PASSWORD FOR a = 'x'",
        "INSTALL PLUGIN a SONAME 'b'",
        "OPTIMIZE TABLE t",
        "REPAIR TABLE t",
        "LOCK TABLES t WRITE",
        "CREATE PROCEDURE p() BEGIN SELECT 1; SET SESSION TRANSACTION READ WRITE; END; DELETE FROM t",
        "CREATE DEFINER=a@b TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN SET @a = 1; END",
        "ALTER EVENT e DO BEGIN SELECT 1; END",
    ] {
        assert_eq!(class(text), Class::Guarded, "{text}");
    }
}

#[test]
fn what_a_read_only_session_lets_through_is_a_leak() {
    for text in [
        "SELECT 1 INTO OUTFILE 'x'",
        "SELECT 1 INTO/**/DUMPFILE 'x'",
        "TABLE t INTO OUTFILE 'x'",
        "EXPLAIN SELECT 1 INTO OUTFILE 'x'",
        "SELECT GROUP_REPLICATION_SET_AS_PRIMARY('x')",
        "SELECT audit_log_rotate ()",
        "DO `spider_direct_sql`('a', 'b', 'c')",
        "DO sp\u{ef}der_direct_sql('a')",
        "ANALYZE TABLE t",
        "ANALYZE LOCAL TABLE t",
        "CHECK TABLE t FOR UPGRADE",
        "CACHE INDEX t IN hot",
        "FLUSH TABLES",
        "FLUSH STATUS",
        "RESET MASTER",
        "PURGE BINARY LOGS TO 'x'",
        "SHUTDOWN",
        "RESTART",
        "CLONE LOCAL DATA DIRECTORY = 'x'",
        "KILL 5",
        "KILL CONNECTION 5",
        "KILL QUERY USER a",
        "BINLOG 'x'",
        "CHANGE MASTER TO MASTER_HOST = 'x'",
        "START SLAVE",
        "STOP REPLICA",
        "START GROUP_REPLICATION",
        "XA PREPARE 'x'",
        "XA COMMIT 'x'",
        "XA ROLLBACK 'x'",
        "LOCK TABLES t READ",
        "LOCK TABLES a WRITE, b READ LOCAL",
        "LOCK INSTANCE FOR BACKUP",
        "BACKUP STAGE START",
        "BACKUP LOCK t",
        "HANDLER t OPEN",
        "HANDLER `a` . `b` OPEN AS c",
        "DROP RESOURCE GROUP g",
        "SET GLOBAL a = 1",
        "SET @a = 1, @@GLOBAL.b = 2",
        "SET PERSIST a = 1",
        "SET @@persist_only.a = 1",
        "SET GLOBAL TRANSACTION READ WRITE",
        "SET DEFAULT ROLE NONE TO a",
        "SET gtid_next = 'x'",
    ] {
        assert!(leaks(text), "{text}: {:?}", class(text));
    }
}

#[test]
fn what_the_text_does_not_tell_is_opaque() {
    let call = |database: &[u8], name: &[u8]| {
        Class::Opaque(Opaque::Call {
            database: database.into(),
            name: name.into(),
        })
    };
    assert_eq!(class("CALL p"), call(b"", b"p"));
    assert_eq!(class("CALL `a``b` . P(1, 2)"), call(b"a`b", b"P"));
    assert_eq!(class("CALL d.pack.p()"), call(b"d.pack", b"p"));
    assert_eq!(
        class("FROBNICATE x"),
        Class::Opaque(Opaque::Unlisted("frobnicate".into()))
    );
    assert_eq!(class("1"), Class::Opaque(Opaque::Unlisted(String::new())));
    assert_eq!(
        class("( DROP TABLE t )"),
        Class::Opaque(Opaque::Unlisted(String::new()))
    );
    assert_eq!(
        class("EXECUTE p USING @a"),
        Class::Opaque(Opaque::Execute { name: b"p".into() })
    );
    for text in [
        "BEGIN NOT ATOMIC SELECT 1; DELETE FROM t; END; SELECT 2",
        "IF 1 THEN SELECT 1; END IF",
        "WHILE 0 DO SELECT 1; END WHILE",
        "FOR i IN 1..2 DO SELECT i; END FOR",
        "CASE 1 WHEN 1 THEN SELECT 1; END CASE",
        "a: LOOP LEAVE a; END LOOP",
    ] {
        assert_eq!(
            one_in(text, MARIADB).class,
            Class::Opaque(Opaque::Block),
            "{text}"
        );
    }
    let mut oracle = MARIADB;
    oracle.modes.oracle = true;
    for text in [
        "BEGIN SELECT 1; END",
        "DECLARE a INT; BEGIN NULL; END",
        "<<a>> BEGIN NULL; END",
    ] {
        assert_eq!(one_in(text, oracle).class, Class::Opaque(Opaque::Block), "{text}");
    }
}

#[test]
fn a_text_in_a_constant_is_looked_at_once() {
    let inner = |text: &str| match one_in(text, MARIADB).class {
        Class::Opaque(Opaque::Prepare { script, .. } | Opaque::Immediate { script }) => script.map(|inner| {
            inner
                .script
                .statements
                .into_iter()
                .map(|s| s.class)
                .collect::<Vec<_>>()
        }),
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(inner("PREPARE p FROM 'SELECT 1'"), Some(vec![Class::Read]));
    assert_eq!(
        inner("PREPARE p FROM 'DELETE FROM t WHERE a = \\'b\\''"),
        Some(vec![Class::Guarded])
    );
    assert_eq!(
        inner("EXECUTE IMMEDIATE 'SET tx_read_only = 0'"),
        Some(vec![Class::Lift])
    );
    assert_eq!(
        inner("EXECUTE IMMEDIATE 'SELECT ?' USING 1"),
        Some(vec![Class::Read])
    );
    for text in [
        "PREPARE p FROM @a",
        "PREPARE p FROM CONCAT('a', 'b')",
        "PREPARE p FROM 'a' 'b'",
        "PREPARE p FROM N'SELECT 1'",
        "EXECUTE IMMEDIATE @a",
        "EXECUTE IMMEDIATE v USING 1",
    ] {
        assert_eq!(inner(text), None, "{text}");
    }
    let Class::Opaque(Opaque::Immediate { script: Some(outer) }) =
        one_in("EXECUTE IMMEDIATE 'EXECUTE IMMEDIATE ''SELECT 1'''", MARIADB).class
    else {
        panic!()
    };
    assert_eq!(
        outer.script.statements[0].class,
        Class::Opaque(Opaque::Immediate { script: None })
    );
}

#[test]
fn text_that_a_script_does_not_show_is_told() {
    for text in [
        "PREPARE p FROM @a",
        "EXECUTE IMMEDIATE @a",
        "EXECUTE IMMEDIATE 'EXECUTE IMMEDIATE @a'",
        "EXECUTE IMMEDIATE 'BEGIN NOT ATOMIC EXECUTE p; END'",
        "EXECUTE IMMEDIATE 'EXECUTE p'",
        "BEGIN NOT ATOMIC SELECT 1; PREPARE p FROM @a; END",
        "CREATE PROCEDURE p() EXECUTE IMMEDIATE @a",
        "CREATE PROCEDURE p() SELECT 1; EXECUTE q",
        "ALTER EVENT e DO EXECUTE IMMEDIATE @a",
    ] {
        assert!(one_in(text, MARIADB).runs_text, "{text}");
    }
    for text in [
        "PREPARE p FROM 'SELECT 1'",
        "EXECUTE p",
        "CREATE PROCEDURE p() SELECT 1",
        "BEGIN NOT ATOMIC SELECT 1; END",
        "INSERT INTO prepare VALUES (1)",
    ] {
        assert!(!one_in(text, MARIADB).runs_text, "{text}");
    }
}

#[test]
fn calls_are_told_from_keywords_and_the_servers_own_functions() {
    for text in [
        "SELECT 1",
        "SELECT COUNT(*), NOW(), concat(a, b) FROM t WHERE a IN (1, 2) AND (b OR c)",
        "SELECT `f`, g FROM t",
    ] {
        assert!(!one(text).calls, "{text}");
    }
    for text in [
        "SELECT f(1)",
        "SELECT `count`(1)",
        "SELECT a.count (1)",
        "SELECT a . f(1)",
        "SELECT now ()",
        "SELECT concat/**/(a)",
        "SELECT \u{e4}(1)",
    ] {
        assert!(one(text).calls, "{text}");
    }
}

#[test]
fn begin_says_which_words_to_overwrite() {
    let text = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ /* */ WRITE";
    let found = one(text);
    assert_eq!(found.class, Class::Lift);
    let Some(Transaction::Begin {
        access,
        snapshot,
        write_words,
    }) = found.transaction
    else {
        panic!()
    };
    assert_eq!((access, snapshot), (Some(Access::ReadWrite), true));
    assert_eq!(
        write_words.iter().map(|r| &text[r.clone()]).collect::<Vec<_>>(),
        ["WRITE"]
    );
    assert_eq!(class("START TRANSACTION READ FOO"), Class::Lift);
}

#[test]
fn what_a_statement_does_to_the_transaction_is_told() {
    let effect = |text: &str| one(text).transaction.unwrap();
    let commit = |chain, release| Transaction::Commit { chain, release };
    assert_eq!(effect("COMMIT"), commit(None, None));
    assert_eq!(
        effect("COMMIT WORK AND NO CHAIN RELEASE"),
        commit(Some(false), Some(true))
    );
    assert_eq!(
        effect("COMMIT AND CHAIN NO RELEASE"),
        commit(Some(true), Some(false))
    );
    assert_eq!(
        effect("ROLLBACK AND CHAIN"),
        Transaction::Rollback {
            chain: Some(true),
            release: None
        }
    );
    assert_eq!(effect("ROLLBACK WORK TO SAVEPOINT a"), Transaction::RollbackTo);
    assert_eq!(effect("CREATE TABLE t (a int)"), Transaction::ImplicitCommit);
    assert_eq!(one("CREATE TEMPORARY TABLE t (a int)").transaction, None);
    assert_eq!(
        effect("LOCK TABLES a READ"),
        Transaction::LockTables { write: false }
    );
    assert_eq!(
        effect("XA START 'a','b',1"),
        Transaction::Xa {
            verb: Xa::Start,
            xid: b"'a','b',1".into(),
            one_phase: false
        }
    );
}
