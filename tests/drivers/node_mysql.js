// node mysql2 and node mariadb, by what both have: promises, pools, text and prepared protocol, streaming.
// Called as `node_mysql.js mysql2|mariadb DSN [--lull]`; see checks.py for the dialogue.
"use strict";

const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const readline = require("node:readline");

const READ_ONLY = 1792;
const [name, dsn] = process.argv.slice(2);
const TABLE = `driver_node_${name}`;
const WRITES = [
  `INSERT INTO ${TABLE} (v) VALUES ('x')`,
  `UPDATE ${TABLE} SET v = 'x'`,
  `DELETE FROM ${TABLE}`,
  `REPLACE INTO ${TABLE} (id, v) VALUES (1, 'x')`,
  `TRUNCATE TABLE ${TABLE}`,
  `CREATE TABLE ${TABLE}_new (n INT)`,
  `DROP TABLE ${TABLE}`,
  `SELECT * FROM ${TABLE} FOR UPDATE`,
];

const words = Object.fromEntries(dsn.split(" ").map((word) => word.split("=", 2)));
const options = {
  host: words.host,
  port: Number(words.port),
  user: words.user,
  password: words.password,
  database: words.dbname,
  multipleStatements: true,
  connectTimeout: 30_000, // a busy machine is no fault
};
if (words.sslrootcert) options.ssl = { ca: fs.readFileSync(words.sslrootcert), rejectUnauthorized: true };

// What differs between the two: how rows come, how a file is given, how numbers are shown.
const drivers = {
  mysql2: {
    open: require("mysql2/promise"),
    extra: {},
    pool: {},
    async rows(conn, sql, values) {
      return (await conn.query(sql, values))[0];
    },
    async prepared(conn, sql, values) {
      return (await conn.execute(sql, values))[0];
    },
    load: (conn, file) =>
      conn.query({ sql: `LOAD DATA LOCAL INFILE '${file}' INTO TABLE ${TABLE} (v)`, infileStreamFactory: () => fs.createReadStream(file) }),
    stream: (conn, sql) => conn.connection.query(sql).stream(),
  },
  mariadb: {
    open: require("mariadb"),
    pool: { minimumIdle: 3, resetAfterUse: false },
    extra: { allowPublicKeyRetrieval: true, permitLocalInfile: true, bigIntAsNumber: true, insertIdAsNumber: true, decimalAsNumber: true },
    rows: (conn, sql, values) => conn.query(sql, values),
    prepared: (conn, sql, values) => conn.execute(sql, values),
    load: (conn, file) => conn.query(`LOAD DATA LOCAL INFILE '${file}' INTO TABLE ${TABLE} (v)`),
    stream: (conn, sql) => conn.queryStream(sql),
  },
};
const driver = drivers[name];
Object.assign(options, driver.extra);

let failed = 0;

async function check(what, body) {
  try {
    await body();
    console.log(`ok ${what}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok ${what}: ${error.message}`);
    console.error(error);
  }
}

function equal(found, expected) {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) throw new Error(`found ${left}, expected ${right}`);
}

async function refused(code, action) {
  let error;
  try {
    await action;
  } catch (caught) {
    error = caught;
  }
  if (!error) throw new Error(`not refused, expected ${code}`);
  equal(error.errno, code);
}

async function value(conn, sql, values) {
  return Object.values((await driver.rows(conn, sql, values))[0])[0];
}

async function preparedValue(conn, sql, values) {
  return Object.values((await driver.prepared(conn, sql, values))[0])[0];
}

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function waitFor(expected) {
  const { value: line } = await lines.next();
  if (line !== expected) throw new Error(`expected the line ${expected}, heard ${line}`);
}

async function createTable(conn) {
  await conn.query(`DROP TABLE IF EXISTS ${TABLE}`);
  await conn.query(`CREATE TABLE ${TABLE} (id INT AUTO_INCREMENT PRIMARY KEY, v LONGTEXT)`);
  const values = Array.from({ length: 1000 }, (_, number) => `('row ${number}')`);
  await conn.query(`INSERT INTO ${TABLE} (v) VALUES ${values.join(", ")}`);
}

async function normal() {
  const [conn, other] = [await driver.open.createConnection(options), await driver.open.createConnection(options)];
  await createTable(conn);
  await check("text protocol", async () => {
    equal(await value(conn, "SELECT ? + 1", [41]), 42);
    const results = await driver.rows(conn, "SELECT 1 AS n; SELECT 'two' AS n");
    equal(results.map((rows) => rows[0].n), [1, "two"]);
    equal((await value(conn, "SELECT repeat('x', 20000000)")).length, 20_000_000);
  });
  await check("prepared statements, also more than once and with what is too large for one packet", async () => {
    for (let number = 0; number < 20; number += 1) {
      equal(await preparedValue(conn, `SELECT v FROM ${TABLE} WHERE id = ?`, [number + 1]), `row ${number}`);
    }
    equal(await preparedValue(conn, "SELECT ?", ["caf\u00e9 \u{1f600}"]), "caf\u00e9 \u{1f600}");
    equal(Number(await preparedValue(conn, "SELECT length(?)", ["y".repeat(17_000_000)])), 17_000_000);
    equal(await preparedValue(conn, "SELECT ?", [null]), null);
  });
  await check("queries queued at once answer in order", async () => {
    const numbers = Array.from({ length: 200 }, (_, number) => number);
    const sent = numbers.map((number) => (number % 2 ? value : preparedValue)(conn, "SELECT ?", [String(number)]));
    equal((await Promise.all(sent)).map(Number), numbers);
  });
  await check("errors keep the connection", async () => {
    await refused(1064, conn.query("SELEC"));
    await refused(1146, driver.prepared(conn, "SELECT * FROM nowhere WHERE 1 = ?", [1]));
    await refused(1062, conn.query(`INSERT INTO ${TABLE} (id) VALUES (1)`));
    equal(await value(conn, "SELECT 1"), 1);
  });
  await check("transactions", async () => {
    await conn.beginTransaction();
    await conn.query(`DELETE FROM ${TABLE}`);
    await conn.rollback();
    equal(Number(await value(conn, `SELECT count(*) FROM ${TABLE}`)), 1000);
  });
  await check("rows as a stream", async () => {
    let rows = 0;
    for await (const row of driver.stream(conn, `SELECT * FROM ${TABLE}`)) rows += row.id > 0;
    equal(rows, 1000);
  });
  await check("LOCAL INFILE", async () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "lull-driver-"));
    const file = path.join(directory, "rows.csv");
    fs.writeFileSync(file, Array.from({ length: 20_000 }, (_, number) => `loaded ${number}\n`).join(""));
    try {
      await driver.load(conn, file);
      equal(Number(await value(conn, `SELECT count(*) FROM ${TABLE} WHERE v LIKE 'loaded%'`)), 20_000);
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  });
  await check("ping, another user, and KILL QUERY", async () => {
    await conn.ping();
    const who = { user: options.user, password: options.password, database: options.database };
    // 45003: the driver does not offer it for MySQL.
    await conn.changeUser(who).catch((error) => equal(error.errno, 45003));
    equal(await value(conn, "SELECT database()"), options.database);
    const sleeping = conn.query("SELECT sleep(30)").catch((error) => equal(error.errno, 1317));
    const running = "SELECT count(*) FROM information_schema.processlist WHERE id = ? AND info LIKE 'SELECT sleep%'";
    while (Number(await value(other, running, [conn.threadId])) === 0);
    await other.query(`KILL QUERY ${conn.threadId}`);
    await sleeping;
    equal(await value(conn, "SELECT 1"), 1);
  });
  if (name === "mariadb") {
    await check("batches and pipelines", async () => {
      await conn.batch(`INSERT INTO ${TABLE} (v) VALUES (?)`, Array.from({ length: 500 }, (_, number) => [`batch ${number}`]));
      equal(Number(await value(conn, `SELECT count(*) FROM ${TABLE} WHERE v LIKE 'batch%'`)), 500);
      const all = Array.from({ length: 50 }, (_, number) => preparedValue(conn, `SELECT ? + ${number % 5}`, [number]));
      equal((await Promise.all(all)).map(Number), Array.from({ length: 50 }, (_, number) => number + (number % 5)));
      await conn.reset().catch((error) => equal(error.errno, 45032)); // which MySQL is not asked for
    });
  }
  await conn.end();
  await other.end();
  await check("pool", async () => {
    const pool = driver.open.createPool({ ...options, connectionLimit: 2 });
    const ids = await Promise.all(Array.from({ length: 20 }, () => value(pool, "SELECT connection_id()")));
    equal(new Set(ids.map(Number)).size <= 2, true);
    await pool.end();
  });
}

async function lull() {
  const pool = driver.open.createPool({ ...options, ...driver.pool, connectionLimit: 3 });
  const setup = await pool.getConnection();
  await createTable(setup);
  setup.release();
  const write = `INSERT INTO ${TABLE} (v) VALUES (?)`;
  const ids = [];
  await onEvery(pool, async (conn) => {
    ids.push(conn.threadId);
    await conn.query("CREATE TEMPORARY TABLE own (n INT)");
    await conn.query("INSERT INTO own VALUES (1)");
    await conn.query("SET SESSION sort_buffer_size = 77777");
    await driver.prepared(conn, write, ["before"]);
  });
  console.log("ready");
  await waitFor("lull on");
  await onEvery(pool, (conn) => playTheLull(conn, "ONLY"));
  await onEvery(pool, async (conn, number) => {
    await check(`connection ${number} refuses writes and reads on`, async () => {
      equal(ids.includes(conn.threadId), true);
      for (const sql of WRITES) {
        await refused(READ_ONLY, conn.query(sql));
        await refused(READ_ONLY, driver.prepared(conn, sql, []));
      }
      await refused(READ_ONLY, driver.prepared(conn, write, ["in"]));
      await conn.beginTransaction();
      equal(Number(await value(conn, `SELECT count(*) FROM ${TABLE}`)), 1003);
      await refused(READ_ONLY, conn.query(`DELETE FROM ${TABLE}`));
      equal(await value(conn, "SELECT 1"), 1);
      await conn.rollback();
      equal(Number(await value(conn, "SELECT @@sort_buffer_size")), 77777);
      await conn.query("INSERT INTO own VALUES (2)");
    });
  });
  console.log("done");
  await waitFor("lull off");
  await onEvery(pool, (conn) => playTheLull(conn, "WRITE"));
  await onEvery(pool, async (conn, number) => {
    await check(`connection ${number} is as before`, async () => {
      equal(ids.includes(conn.threadId), true);
      await driver.prepared(conn, write, ["after"]);
      equal(Number(await value(conn, "SELECT sum(n) FROM own")), 3);
      equal(Number(await value(conn, "SELECT @@sort_buffer_size")), 77777);
    });
  });
  await check("nothing was written in the lull", async () => {
    equal(Number(await value(pool, `SELECT count(*) FROM ${TABLE}`)), 1006);
  });
  await pool.end();
}

// Where no lull is, a session's own setting plays it.
async function playTheLull(conn, mode) {
  if (process.argv.includes("--lull=server")) await conn.query(`SET SESSION TRANSACTION READ ${mode}`);
}

async function onEvery(pool, body) {
  const conns = await Promise.all([pool.getConnection(), pool.getConnection(), pool.getConnection()]);
  for (const [number, conn] of conns.entries()) await body(conn, number);
  for (const conn of conns) conn.release();
}

(process.argv.some((word) => word.startsWith("--lull")) ? lull : normal)().then(
  () => process.exit(failed ? 1 : 0),
  (error) => {
    console.log(`not ok the program: ${error.message}`);
    console.error(error);
    process.exit(1);
  },
);
