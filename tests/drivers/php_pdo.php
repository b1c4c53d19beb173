<?php
// PHP PDO over mysqlnd: emulated and native prepares, buffered and unbuffered rows. See checks.py for how this is called.

const READ_ONLY = 1792;
const TABLE = 'driver_php';
const WRITES = [
    'INSERT INTO ' . TABLE . " (v) VALUES ('x')",
    'UPDATE ' . TABLE . " SET v = 'x'",
    'DELETE FROM ' . TABLE,
    'REPLACE INTO ' . TABLE . " (id, v) VALUES (1, 'x')",
    'TRUNCATE TABLE ' . TABLE,
    'CREATE TABLE ' . TABLE . '_new (n INT)',
    'DROP TABLE ' . TABLE,
    'SELECT * FROM ' . TABLE . ' FOR UPDATE',
];

[, $dsn] = $argv;
$lull = $argv[2] ?? null;
$words = [];
foreach (explode(' ', $dsn) as $word) {
    [$name, $value] = explode('=', $word, 2);
    $words[$name] = $value;
}
$failed = 0;

function connect(array $options = []): PDO
{
    global $words;
    $options += [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::MYSQL_ATTR_LOCAL_INFILE => true];
    if (isset($words['sslrootcert'])) {
        $options += [PDO::MYSQL_ATTR_SSL_CA => $words['sslrootcert'], PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT => false];
    }
    $target = "mysql:host={$words['host']};port={$words['port']};dbname={$words['dbname']};charset=utf8mb4";
    return new PDO($target, $words['user'], $words['password'] ?? '', $options);
}

function check(string $name, callable $body): void
{
    global $failed;
    try {
        $body();
        echo "ok $name\n";
    } catch (Throwable $error) {
        $failed += 1;
        echo "not ok $name: {$error->getMessage()}\n";
        fwrite(STDERR, "$error\n");
    }
}

function equal(mixed $found, mixed $expected): void
{
    if ($found !== $expected) {
        throw new Exception('found ' . var_export($found, true) . ', expected ' . var_export($expected, true));
    }
}

function value(PDO $db, string $sql, array $values = []): mixed
{
    $statement = $db->prepare($sql);
    $statement->execute($values);
    $value = $statement->fetchColumn();
    $statement->closeCursor();
    return $value;
}

function run(PDO $db, string $sql, array $values = []): void
{
    $statement = $db->prepare($sql);
    $statement->execute($values);
    $statement->closeCursor();
}

function refused(PDO $db, int $code, callable $action): void
{
    try {
        $action();
    } catch (PDOException $error) {
        equal($error->errorInfo[1], $code);
        equal((int) value($db, 'SELECT 1'), 1);
        return;
    }
    throw new Exception("not refused, expected $code");
}

function heard(string $expected): void
{
    equal(trim((string) fgets(STDIN)), $expected);
}

function create_table(): void
{
    $db = connect();
    $db->exec('DROP TABLE IF EXISTS ' . TABLE);
    $db->exec('CREATE TABLE ' . TABLE . ' (id INT AUTO_INCREMENT PRIMARY KEY, v LONGTEXT)');
    $rows = array_map(fn ($number) => "('row $number')", range(0, 999));
    equal($db->exec('INSERT INTO ' . TABLE . ' (v) VALUES ' . implode(', ', $rows)), 1000);
}

function normal(): void
{
    create_table();
    foreach (['emulated' => true, 'native' => false] as $name => $emulate) {
        $db = connect([PDO::ATTR_EMULATE_PREPARES => $emulate]);
        check("$name: queries", function () use ($db) {
            equal((int) value($db, 'SELECT ? + 1', [41]), 42);
            equal(value($db, 'SELECT ?', ["caf\u{e9} \u{1f600}"]), "caf\u{e9} \u{1f600}");
            equal(strlen(value($db, "SELECT repeat('x', 20000000)")), 20_000_000);
            equal((int) value($db, 'SELECT length(?)', [str_repeat('y', 17_000_000)]), 17_000_000);
        });
        check("$name: one statement many times", function () use ($db) {
            $statement = $db->prepare('SELECT v FROM ' . TABLE . ' WHERE id = ?');
            for ($number = 1; $number <= 50; $number += 1) {
                $statement->execute([$number]);
                equal($statement->fetchAll(PDO::FETCH_COLUMN), ['row ' . ($number - 1)]);
            }
        });
        check("$name: transactions", function () use ($db) {
            $db->beginTransaction();
            run($db, 'DELETE FROM ' . TABLE . ' WHERE id < ?', [500]);
            equal($db->inTransaction(), true);
            $db->rollBack();
            equal((int) value($db, 'SELECT count(*) FROM ' . TABLE), 1000);
        });
        check("$name: errors keep the connection", function () use ($db) {
            refused($db, 1064, fn () => run($db, 'SELEC'));
            refused($db, 1146, fn () => run($db, 'SELECT * FROM nowhere'));
            refused($db, 1062, fn () => run($db, 'INSERT INTO ' . TABLE . ' (id) VALUES (?)', [1]));
        });
        check("$name: a procedure and its results", function () use ($db) {
            $db->exec('DROP PROCEDURE IF EXISTS both_of');
            $db->exec('CREATE PROCEDURE both_of(n INT) BEGIN SELECT n; SELECT n + 1; END');
            $statement = $db->prepare('CALL both_of(?)');
            $statement->execute([5]);
            equal((int) $statement->fetchColumn(), 5);
            equal($statement->nextRowset(), true);
            equal((int) $statement->fetchColumn(), 6);
            $statement->closeCursor();
            equal((int) value($db, 'SELECT 1'), 1);
        });
    }
    check('several statements at once', function () {
        $statement = connect()->query("SELECT 1; SELECT 'two'");
        equal((string) $statement->fetchColumn(), '1');
        equal($statement->nextRowset(), true);
        equal($statement->fetchColumn(), 'two');
    });
    check('rows one by one', function () {
        $statement = connect([PDO::MYSQL_ATTR_USE_BUFFERED_QUERY => false])->query('SELECT id FROM ' . TABLE);
        equal(iterator_count($statement), 1000);
    });
    check('LOCAL INFILE', function () {
        $file = tempnam(sys_get_temp_dir(), 'lull');
        file_put_contents($file, implode('', array_map(fn ($number) => "loaded $number\n", range(1, 20_000))));
        $db = connect();
        $db->beginTransaction();
        equal($db->exec("LOAD DATA LOCAL INFILE '$file' INTO TABLE " . TABLE . ' (v)'), 20_000);
        $db->rollBack();
        unlink($file);
    });
    check('mysqli: another user, ping, statistics', function () {
        global $words;
        $db = mysqli_init();
        $flags = isset($words['sslrootcert']) ? MYSQLI_CLIENT_SSL | MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT : 0;
        $password = $words['password'] ?? '';
        $db->real_connect($words['host'], $words['user'], $password, $words['dbname'], (int) $words['port'], null, $flags);
        equal($db->change_user($words['user'], $password, $words['dbname']), true);
        equal($db->query('SELECT database()')->fetch_row()[0], $words['dbname']);
        equal(str_starts_with($db->stat(), 'Uptime'), true);
        equal($db->thread_id, (int) $db->query('SELECT connection_id()')->fetch_row()[0]);
        $db->close();
    });
}

/** What a web server's process does for one request: the connection outlives it, and serves the next. */
function request(callable $body): int
{
    $db = connect([PDO::ATTR_PERSISTENT => true]);
    $body($db);
    return (int) value($db, 'SELECT connection_id()');
}

/** A request that ends in the midst of a transaction, after its write was refused. */
function request_that_gives_up(PDO $db): void
{
    $db->beginTransaction();
    refused($db, READ_ONLY, fn () => run($db, 'INSERT INTO ' . TABLE . " (v) VALUES ('in')"));
}

function lull(): void
{
    global $lull;
    create_table();
    $dbs = [connect([PDO::ATTR_EMULATE_PREPARES => true]), connect([PDO::ATTR_EMULATE_PREPARES => false])];
    $ids = array_map(fn ($db) => (int) value($db, 'SELECT connection_id()'), $dbs);
    $writes = [];
    foreach ($dbs as $number => $db) {
        run($db, 'CREATE TEMPORARY TABLE own (n INT)');
        run($db, 'INSERT INTO own VALUES (1)');
        $writes[$number] = $db->prepare('INSERT INTO ' . TABLE . ' (v) VALUES (?)');
    }
    $persistent = request(fn ($db) => run($db, 'SELECT 1'));
    echo "ready\n";
    heard('lull on');
    foreach ($dbs as $number => $db) {
        if ($lull === '--lull=server') {
            run($db, 'SET SESSION TRANSACTION READ ONLY');
        }
        check("connection $number refuses writes and reads on", function () use ($db, $writes, $number) {
            foreach (WRITES as $sql) {
                refused($db, READ_ONLY, fn () => run($db, $sql));
                refused($db, READ_ONLY, fn () => $db->exec($sql));
            }
            refused($db, READ_ONLY, fn () => $writes[$number]->execute(['in']));
            $db->beginTransaction();
            refused($db, READ_ONLY, fn () => run($db, 'DELETE FROM ' . TABLE));
            equal((int) value($db, 'SELECT count(*) FROM ' . TABLE), 1000);
            $db->rollBack();
            run($db, 'INSERT INTO own VALUES (2)');
        });
    }
    if ($lull !== '--lull=server') {
        check('a persistent connection serves one request after the other', function () use ($persistent) {
            equal(request('request_that_gives_up'), $persistent);
            $reads = fn ($db) => equal((int) value($db, 'SELECT count(*) FROM ' . TABLE), 1000);
            equal(request($reads), $persistent);
            equal(request('request_that_gives_up'), $persistent);
        });
    }
    echo "done\n";
    heard('lull off');
    foreach ($dbs as $number => $db) {
        if ($lull === '--lull=server') {
            run($db, 'SET SESSION TRANSACTION READ WRITE');
        }
        check("connection $number is as before", function () use ($db, $writes, $ids, $number) {
            $writes[$number]->execute(['after']);
            equal((int) value($db, 'SELECT sum(n) FROM own'), 3);
            equal((int) value($db, 'SELECT connection_id()'), $ids[$number]);
        });
    }
    check('a persistent connection writes again', function () use ($persistent) {
        $writes = fn ($db) => run($db, 'INSERT INTO ' . TABLE . " (v) VALUES ('after')");
        equal(request($writes), $persistent);
    });
    check('nothing was written in the lull', function () use ($dbs) {
        equal((int) value($dbs[0], 'SELECT count(*) FROM ' . TABLE), 1003);
    });
}

$lull === null ? normal() : lull();
exit($failed ? 1 : 0);
