-- one
SELECT 1
-- no row
SELECT 1 FROM t WHERE false
-- many rows
SELECT * FROM t ORDER BY id
-- types
SELECT 1, -2, 3.5, 1e10, true, NULL, X'ff', b'101', DATE'2024-02-29', TIME'10:11:12', TIMESTAMP'2024-02-29 10:11:12', _latin1'x', N'y'
-- strings
SELECT 'it''s', "it's", 'tab\there', 'a' 'b', '\\', 'C:\\temp\\', 'žluťoučký 日本 🐘'
-- comments
SELECT /* INSERT INTO t VALUES (1) */ 1 -- DELETE FROM t⏎ + 1 # DROP TABLE t
-- comments that are run
SELECT /*! 1 + */ 1 /*!40101 + 1 */ /*M! + 1 */ /*!99999 + 1 */
-- words in strings
SELECT 'SET SESSION TRANSACTION READ WRITE', 'DROP TABLE t; SHUTDOWN', 'INTO OUTFILE'
-- words as names
SELECT 1 AS `insert`, 2 AS `into`, 3 AS outfile, 4 AS `update`
-- hints
SELECT /*+ MAX_EXECUTION_TIME(1000) */ SQL_NO_CACHE count(*) FROM t USE INDEX (PRIMARY)
-- joins
SELECT t.id, u.v FROM t LEFT JOIN u ON u.id = t.id NATURAL JOIN (SELECT 1) x ORDER BY 1 LIMIT 5
-- subqueries
SELECT (SELECT max(id) FROM u), id IN (SELECT id FROM u), EXISTS (SELECT 1 FROM u WHERE u.id = t.id) FROM t ORDER BY id
-- set operations
SELECT id FROM t WHERE id < 5 UNION ALL SELECT id FROM u WHERE id < 3 ORDER BY id LIMIT 4 OFFSET 1
-- except and intersect
SELECT id FROM t EXCEPT SELECT id FROM u ORDER BY id
-- parentheses
(SELECT 1 AS a) UNION (SELECT 2) ORDER BY a DESC
-- CTE
WITH a AS (SELECT id FROM t), b AS (SELECT * FROM a WHERE id < 4) SELECT count(*) FROM a JOIN b USING (id)
-- recursive CTE
WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 10) SELECT sum(n) FROM r
-- windows
SELECT id, rank() OVER (PARTITION BY id % 3 ORDER BY id), lag(v) OVER w FROM t WINDOW w AS (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) ORDER BY id LIMIT 9
-- rollup
SELECT id % 2, count(*) FROM t GROUP BY id % 2 WITH ROLLUP
-- aggregates
SELECT count(DISTINCT v), group_concat(id ORDER BY id DESC SEPARATOR ';'), json_arrayagg(id), std(id), bit_or(id) FROM u
-- functions
SELECT replace('abc', 'b', 'x'), insert('abc', 1, 1, 'y'), left('abc', 1), if(1, 2, 3), coalesce(NULL, 1), truncate(1.55, 1), values(v) FROM u LIMIT 1
-- conversions
SELECT CAST('1' AS SIGNED), CONVERT('x' USING latin1), CAST(1.5 AS DECIMAL(10, 2)), 'a' COLLATE utf8mb4_bin
-- JSON
SELECT json_extract('{"a": [1, 2]}', '$.a[1]'), json_object('k', 1), json_valid('x')
-- JSON table
SELECT * FROM JSON_TABLE('[1,2]', '$[*]' COLUMNS (n INT PATH '$')) j
-- regular expressions
SELECT 'abc' REGEXP '^a', 'abc' RLIKE 'x', regexp_replace('abc', 'b', 'd')
-- fulltext's absence
SELECT * FROM t WHERE v LIKE 'v1%' AND v NOT LIKE 'v11' ORDER BY id
-- locks that readers share
SELECT * FROM t WHERE id < 3 LOCK IN SHARE MODE
-- locks that readers share, in new words; MySQL only
SELECT * FROM t WHERE id < 3 FOR SHARE NOWAIT
-- locks that readers share, without waiting; MariaDB only
SELECT * FROM t WHERE id < 3 LOCK IN SHARE MODE NOWAIT
-- a table; MySQL only
TABLE u ORDER BY id
-- values; MySQL only
VALUES ROW(1, 'a'), ROW(2, 'b')
-- values; MariaDB only
VALUES (1, 'a'), (2, 'b')
-- partitions
SELECT * FROM parts PARTITION (p0)
-- history; MariaDB only
SELECT id, v FROM versioned FOR SYSTEM_TIME ALL ORDER BY v
-- other engines
SELECT * FROM myisam, memory, csv ORDER BY 1, 2, 3, 4, 5, 6
-- a view
SELECT * FROM w ORDER BY id LIMIT 3
-- a function that reads
SELECT f_read()
-- a function that reads, and more
SELECT id, f_read() + 1 FROM u WHERE id = f_read() - 39
-- into variables
SELECT id, v FROM u WHERE id = 3 INTO @a, @b
SELECT @a, @b
-- variables
SET @x = (SELECT count(*) FROM t), @y := 'a'
SELECT @x, @y, @x := @x + 1
-- settings
SET SESSION sort_buffer_size = 100000, wait_timeout = 1000, @@session.lock_wait_timeout = 5
SELECT @@sort_buffer_size, @@session.wait_timeout, @@lock_wait_timeout
-- names
SET NAMES latin1
SELECT 'x', @@character_set_client
SET NAMES utf8mb4 COLLATE utf8mb4_bin
SELECT @@collation_connection
-- time zones
SET time_zone = '+02:00'
SELECT from_unixtime(0)
-- modes
SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'
SELECT "id", 'a\' FROM u ORDER BY "id" LIMIT 1
-- Oracle's; MariaDB only
SET sql_mode = 'ORACLE'
SELECT 'a' || 'b' FROM dual
-- no table
SELECT 1 FROM dual WHERE 1 = 1
-- DO
DO 1 + 1, sleep(0)
-- named locks
SELECT get_lock('{database}', 0), is_free_lock('{database}'), release_lock('{database}')
-- all named locks
DO release_all_locks()
-- a transaction
START TRANSACTION
SELECT count(*) FROM t
COMMIT
-- a transaction that only reads
START TRANSACTION READ ONLY
SELECT count(*) FROM t
ROLLBACK
-- a snapshot
START TRANSACTION WITH CONSISTENT SNAPSHOT
SELECT count(*) FROM t
SAVEPOINT a
ROLLBACK TO SAVEPOINT a
RELEASE SAVEPOINT a
COMMIT WORK AND NO CHAIN NO RELEASE
-- a chain
BEGIN WORK
COMMIT AND CHAIN
SELECT count(*) FROM t
ROLLBACK
-- without autocommit
SET autocommit = 0
SELECT count(*) FROM t
COMMIT
SET autocommit = 1
-- an isolation level
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE
SELECT count(*) FROM u
-- prepared
PREPARE q FROM 'SELECT ? + id FROM u ORDER BY id'
SET @one = 1
EXECUTE q USING @one
DEALLOCATE PREPARE q
-- prepared from a variable
SET @q = 'SELECT 1'
-- at once; MariaDB only
EXECUTE IMMEDIATE 'SELECT ? FROM u LIMIT 1' USING 7
-- for one statement; MariaDB only
SET STATEMENT max_statement_time = 100 FOR SELECT count(*) FROM t
-- EXPLAIN
EXPLAIN SELECT * FROM t WHERE id = 1
-- EXPLAIN as JSON
EXPLAIN FORMAT=JSON SELECT 1
-- EXPLAIN extended; MariaDB only
EXPLAIN EXTENDED SELECT * FROM u WHERE v = 'v1'
-- EXPLAIN as a tree; MySQL only
EXPLAIN FORMAT=TREE SELECT * FROM u WHERE id = 1
-- EXPLAIN ANALYZE; varies; MySQL only
EXPLAIN ANALYZE SELECT * FROM u
-- ANALYZE of a read; MariaDB only
ANALYZE SELECT * FROM u WHERE id = 1
-- DESCRIBE
DESCRIBE t
-- DESC of a column
DESC t id
-- databases
SHOW DATABASES LIKE '{database}'
-- tables
SHOW FULL TABLES
-- open tables; varies
SHOW OPEN TABLES
-- columns
SHOW FULL COLUMNS FROM t
-- keys
SHOW INDEX FROM u
-- how a table was made
SHOW CREATE TABLE parts
-- how a view was made
SHOW CREATE VIEW w
-- how the database was made
SHOW CREATE DATABASE {database}
-- how a procedure was made
SHOW CREATE PROCEDURE p_read
-- how a function was made
SHOW CREATE FUNCTION f_read
-- how a trigger was made
SHOW CREATE TRIGGER watched_log
-- how an event was made
SHOW CREATE EVENT e_insert
-- how a sequence was made; MariaDB only
SHOW CREATE SEQUENCE s
-- triggers
SHOW TRIGGERS
-- events
SHOW EVENTS
-- procedures
SHOW PROCEDURE STATUS WHERE db = DATABASE()
-- functions
SHOW FUNCTION STATUS WHERE db = DATABASE()
-- table status
SHOW TABLE STATUS LIKE 't'
-- one's rights
SHOW GRANTS
-- a variable
SHOW VARIABLES LIKE 'version%'
-- a variable of the server
SHOW GLOBAL VARIABLES LIKE 'max_connections'
-- status; varies
SHOW STATUS
-- sessions; varies
SHOW FULL PROCESSLIST
-- engines
SHOW ENGINES
-- character sets
SHOW CHARACTER SET LIKE 'utf8%'
-- collations
SHOW COLLATION LIKE 'latin1%'
-- rights
SHOW PRIVILEGES
-- plugins
SHOW PLUGINS
-- warnings
SELECT CAST('x' AS SIGNED)
SHOW WARNINGS
SHOW COUNT(*) WARNINGS
SHOW ERRORS
-- an error
SELECT nothing FROM t
-- a table that is not there
SELECT * FROM nothing
-- a syntax error
SELECT FROM WHERE
-- no statement
;
-- diagnostics
SELECT * FROM nothing
GET DIAGNOSTICS @n = NUMBER
SELECT @n
-- catalogs
SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1
-- catalogs of columns, without those of a view that the server itself does not open
SELECT column_name, column_type FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name <> 'w_insert' ORDER BY table_name, column_name
-- a checksum
CHECKSUM TABLE t, u
-- a check
CHECK TABLE t, myisam
-- a quick check
CHECK TABLE u QUICK
-- USE
USE {database}
SELECT DATABASE()
-- help
HELP 'SELECT'
-- PROCEDURE ANALYSE; MariaDB only
SELECT id FROM u PROCEDURE ANALYSE(10, 2000)
-- found rows
SELECT SQL_CALC_FOUND_ROWS id FROM t ORDER BY id LIMIT 2
SELECT FOUND_ROWS()
-- who and where
SELECT USER(), CURRENT_USER(), DATABASE(), VERSION(), LAST_INSERT_ID(), ROW_COUNT()
-- a role
SET ROLE NONE
SELECT CURRENT_ROLE()
-- a hint that sets; MySQL only
SELECT /*+ SET_VAR(sort_buffer_size = 100000) */ id FROM u ORDER BY v
-- lateral; MySQL only
SELECT t.id, x.n FROM t, LATERAL (SELECT count(*) AS n FROM u WHERE u.id < t.id) x ORDER BY t.id
-- a signal that nobody hears
SIGNAL SQLSTATE '01000' SET MESSAGE_TEXT = 'x'
-- a temporary table that was there
BEFORE CREATE TEMPORARY TABLE own (id INT PRIMARY KEY AUTO_INCREMENT, v TEXT)
BEFORE INSERT INTO own (v) VALUES ('a'), ('b')
INSERT INTO own (v) VALUES ('c')
UPDATE own SET v = 'd' WHERE id = 1
DELETE FROM own WHERE id = 2
SELECT * FROM own ORDER BY id
REPLACE INTO own VALUES (9, 'x')
INSERT INTO own (v) SELECT v FROM u LIMIT 2
SELECT count(*) FROM own JOIN t USING (id)
-- a temporary table of MyISAM
BEFORE CREATE TEMPORARY TABLE own (id INT) ENGINE=MyISAM
INSERT INTO own VALUES (1), (2)
SELECT * FROM own
-- a temporary table of MEMORY
BEFORE CREATE TEMPORARY TABLE own (id INT) ENGINE=MEMORY
INSERT INTO own VALUES (1), (2)
SELECT * FROM own
-- a temporary table in a transaction
BEFORE CREATE TEMPORARY TABLE own (id INT) ENGINE=InnoDB
BEGIN
INSERT INTO own VALUES (1), (2)
ROLLBACK
SELECT * FROM own
-- what was set before
BEFORE SET @kept = 'kept', sql_mode = 'ANSI_QUOTES'
BEFORE SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED
SELECT @kept, "id" FROM u ORDER BY "id" LIMIT 1
-- a snapshot from before
BEFORE START TRANSACTION WITH CONSISTENT SNAPSHOT
SELECT count(*) FROM t
COMMIT
SELECT count(*) FROM t
-- a handler from before
BEFORE HANDLER u OPEN
BEFORE HANDLER u READ FIRST
HANDLER u READ NEXT
HANDLER u CLOSE
