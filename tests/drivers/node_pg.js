// node-postgres and its pool. Called as `node_pg.js DSN [--lull]`, like the Python programs (see checks.py).
"use strict";

const { Client, Pool } = require("pg");
const readline = require("node:readline");

const READ_ONLY = "25006";
const TABLE = "driver_node_pg";
const WRITES = [
  `INSERT INTO ${TABLE} (v) VALUES ('x')`,
  `UPDATE ${TABLE} SET v = 'x'`,
  `DELETE FROM ${TABLE}`,
  `TRUNCATE ${TABLE}`,
  `CREATE TABLE ${TABLE}_new (n int)`,
  `DROP TABLE ${TABLE}`,
  `SELECT nextval('${TABLE}_id_seq')`,
  `SELECT * FROM ${TABLE} FOR UPDATE`,
];

const dsn = process.argv.slice(2).find((word) => !word.startsWith("--lull"));
const words = Object.fromEntries(dsn.split(" ").map((word) => word.split("=")));
const options = { host: words.host, port: Number(words.port), user: words.user, database: words.dbname };
if (words.password) options.password = words.password;
if (words.sslmode === "require") options.ssl = { rejectUnauthorized: false };

let failed = 0;
async function check(name, body) {
  try {
    await body();
    console.log(`ok ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok ${name}: ${error.message.replace(/\s+/g, " ")}`);
    console.error(error);
  }
}

function equal(found, expected) {
  const [one, two] = [JSON.stringify(found), JSON.stringify(expected)];
  if (one !== two) throw new Error(`found ${one}, expected ${two}`);
}

async function refused(sqlstate, promise) {
  try {
    await promise;
  } catch (error) {
    return equal(error.code, sqlstate);
  }
  throw new Error(`not refused, expected ${sqlstate}`);
}

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function waitFor(line) {
  const heard = (await lines.next()).value;
  if (heard !== line) throw new Error(`expected the line ${line}, heard ${heard}`);
}

async function value(client, text, values) {
  const result = await client.query({ text, values, rowMode: "array" });
  return result.rows[0][0];
}

async function createTable(client) {
  await client.query(`DROP TABLE IF EXISTS ${TABLE}; CREATE TABLE ${TABLE} (id serial PRIMARY KEY, v text);
    INSERT INTO ${TABLE} (v) SELECT 'row ' || n FROM generate_series(1, 1000) n`);
}

async function normal() {
  const [client, other] = [new Client(options), new Client(options)];
  await client.connect();
  await other.connect();
  await createTable(client);
  await check("simple protocol", async () => {
    const results = await client.query("SELECT 1 AS n; SELECT 'two' AS n");
    equal(results.map((result) => result.rows[0].n), [1, "two"]);
  });
  await check("extended protocol", async () => {
    equal(await value(client, "SELECT $1::int + 1", [41]), 42);
    equal(await value(client, "SELECT length($1)", ["y".repeat(5_000_000)]), 5_000_000);
  });
  await check("named prepared statements", async () => {
    for (let number = 0; number < 20; number += 1) {
      const result = await client.query({ name: "twice", text: "SELECT $1::int * 2 AS n", values: [number] });
      equal(result.rows[0].n, number * 2);
    }
  });
  await check("queries queued at once answer in order", async () => {
    const numbers = Array.from({ length: 200 }, (_, number) => number);
    equal(await Promise.all(numbers.map((number) => value(client, "SELECT $1::int", [number]))), numbers);
  });
  await check("large results", async () => {
    const result = await client.query("SELECT repeat('x', 1000) AS v FROM generate_series(1, 20000)");
    equal(result.rows.length, 20000);
  });
  await check("errors keep the connection", async () => {
    await refused("42601", client.query("SELEC"));
    await refused("22012", client.query("SELECT 1 / $1::int", [0]));
    equal(await value(client, "SELECT 1"), 1);
  });
  await check("NOTIFY", async () => {
    await client.query("LISTEN driver");
    const heard = new Promise((resolve) => client.once("notification", resolve));
    await other.query("NOTIFY driver, 'hello'");
    equal((await heard).payload, "hello");
  });
  await check("a cancelled query", async () => {
    const sleeping = refused("57014", client.query("SELECT pg_sleep(30)"));
    const running = "SELECT count(*)::int FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query ~ 'pg_sleep'";
    while ((await value(other, running, [client.processID])) === 0);
    await other.query("SELECT pg_cancel_backend($1)", [client.processID]);
    await sleeping;
    equal(await value(client, "SELECT 1"), 1);
  });
  await client.end();
  await other.end();
  await check("pool", async () => {
    const pool = new Pool({ ...options, max: 2 });
    const pids = await Promise.all(Array.from({ length: 20 }, () => value(pool, "SELECT pg_backend_pid()")));
    equal(new Set(pids).size <= 2, true);
    await pool.end();
  });
}

async function lull() {
  const pool = new Pool({ ...options, min: 3, max: 3, idleTimeoutMillis: 0 });
  let lost = 0;
  pool.on("error", () => (lost += 1));
  pool.on("remove", () => (lost += 1));
  await createTable(pool);
  const clients = await Promise.all([pool.connect(), pool.connect(), pool.connect()]);
  const pids = clients.map((client) => client.processID).sort();
  for (const client of clients) {
    await client.query("CREATE TEMP TABLE own (n int); INSERT INTO own VALUES (1); SET work_mem = '7777kB'");
    await client.query({ name: "write", text: `INSERT INTO ${TABLE} (v) VALUES ($1)`, values: ["before"] });
    client.release();
  }
  console.log("ready");
  await waitFor("lull on");
  await onEvery(pool, async (client, number) => {
    await check(`connection ${number} refuses writes and reads on`, async () => {
      equal(pids.includes(client.processID), true);
      for (const sql of WRITES) {
        await refused(READ_ONLY, client.query(sql));
        await refused(READ_ONLY, client.query({ text: sql, values: [], queryMode: "extended" }));
      }
      await refused(READ_ONLY, client.query({ name: "write", text: `INSERT INTO ${TABLE} (v) VALUES ($1)`, values: ["in"] }));
      await client.query("BEGIN");
      equal(await value(client, `SELECT count(*)::int FROM ${TABLE}`), 1003);
      await refused(READ_ONLY, client.query(`DELETE FROM ${TABLE}`));
      await refused("25P02", client.query("SELECT 1"));
      await client.query("ROLLBACK");
      equal(await value(client, "SHOW work_mem"), "7777kB");
      await client.query("INSERT INTO own VALUES (2)");
    });
  });
  console.log("done");
  await waitFor("lull off");
  await onEvery(pool, async (client, number) => {
    await check(`connection ${number} is as before`, async () => {
      equal(pids.includes(client.processID), true);
      await client.query({ name: "write", text: `INSERT INTO ${TABLE} (v) VALUES ($1)`, values: ["after"] });
      equal(await value(client, "SELECT sum(n)::int FROM own"), 3);
      equal(await value(client, "SHOW work_mem"), "7777kB");
      equal(await value(client, "SHOW default_transaction_read_only"), "off");
    });
  });
  await check("nothing was written in the lull, no connection lost", async () => {
    equal(await value(pool, `SELECT count(*)::int FROM ${TABLE}`), 1006);
    equal(lost, 0);
  });
  await pool.end();
}

async function onEvery(pool, body) {
  const clients = await Promise.all([pool.connect(), pool.connect(), pool.connect()]);
  for (const [number, client] of clients.entries()) await body(client, number);
  for (const client of clients) client.release();
}

(process.argv.some((word) => word.startsWith("--lull")) ? lull : normal)().then(
  () => process.exit(failed ? 1 : 0),
  (error) => {
    console.log(`not ok the program: ${error.message}`);
    console.error(error);
    process.exit(1);
  },
);
