-- rows in
INSERT INTO t (v) VALUES ('x')
-- with SET
INSERT INTO t SET v = 'x'
-- from a query
INSERT INTO t (v) SELECT v FROM u
-- no rows; unseen: it would write if there were any
INSERT INTO t (v) SELECT v FROM u WHERE false
-- on a duplicate
INSERT INTO t VALUES (1, 'x') ON DUPLICATE KEY UPDATE v = 'x'
-- a duplicate that is ignored; unseen: no row is new
INSERT IGNORE INTO t VALUES (1, 'x')
-- a replacement
REPLACE INTO t VALUES (1, 'x')
-- a replacement from a query
REPLACE t SELECT id, 'x' FROM u
-- rows that come back; MariaDB only
INSERT INTO t (v) VALUES ('x') RETURNING id
-- rows of a table; MySQL only
INSERT INTO whole TABLE u
-- rows spelled out; MySQL only
INSERT INTO t (v) VALUES ROW('x')
-- with a name for the new row; MySQL only
INSERT INTO t VALUES (1, 'x') AS n ON DUPLICATE KEY UPDATE v = n.v
-- without hurry
INSERT LOW_PRIORITY INTO myisam VALUES (9, 'x')
-- into one partition
INSERT INTO parts PARTITION (p1) VALUES (50, 'x')
-- rows changed
UPDATE t SET v = 'x'
-- no row changed; unseen: it would write if there were any
UPDATE t SET v = 'x' WHERE false
-- rows of two tables changed
UPDATE t JOIN u USING (id) SET t.v = 'x', u.v = 'y'
-- rows changed below a CTE; MySQL only
WITH a AS (SELECT 1 AS id) UPDATE t, a SET t.v = 'x' WHERE t.id = a.id
-- rows in order
UPDATE t SET v = 'x' ORDER BY id DESC LIMIT 1
-- rows out
DELETE FROM t
-- rows out below a CTE; MySQL only
WITH a AS (SELECT 1 AS id) DELETE t FROM t JOIN a USING (id)
-- rows out of two tables
DELETE t, u FROM t JOIN u USING (id)
-- rows out of one of two tables
DELETE FROM t USING t JOIN u USING (id)
-- rows out that come back; MariaDB only
DELETE FROM t RETURNING *
-- history out; MariaDB only
DELETE HISTORY FROM versioned
-- rows out with QUICK
DELETE QUICK FROM myisam
-- a truncation
TRUNCATE t
-- one word more
TRUNCATE TABLE u
-- MyISAM
INSERT INTO myisam VALUES (10, 'x')
-- MyISAM changed
UPDATE myisam SET v = 'x'
-- MEMORY
INSERT INTO memory VALUES (10, 'x')
-- MEMORY emptied
TRUNCATE memory
-- CSV
INSERT INTO csv VALUES (10, 'x')
-- Aria; MariaDB only
INSERT INTO aria VALUES (10, 'x')
-- versioned; MariaDB only
UPDATE versioned SET v = 'c'
-- delayed; MariaDB only
INSERT DELAYED INTO myisam VALUES (10, 'x')
-- through a view
INSERT INTO w (v) VALUES ('x')
-- through a trigger
INSERT INTO watched VALUES (1)
-- through a foreign key
DELETE FROM parent
-- the key moves
UPDATE parent SET id = 100 WHERE id = 1
-- of a sequence; MariaDB only
SELECT nextval(s)
-- the same in the standard's words; MariaDB only
SELECT NEXT VALUE FOR s
-- below a query; MariaDB only
SELECT * FROM (SELECT nextval(s) AS n) x
-- quoted; MariaDB only
SELECT NextVal ( `s` )
-- set; MariaDB only
SELECT setval(s, 1000)
-- set in DO; MariaDB only
DO setval(s, 1000)
-- into a variable; MariaDB only
SET @n = nextval(s)
-- into a variable, by a query; MariaDB only
SELECT nextval(s) INTO @n
-- a sequence that starts again; MariaDB only
ALTER SEQUENCE s RESTART 500
-- a value for a variable is computed by a query; MariaDB only
SET @n = (SELECT nextval(s))
-- a function
SELECT f_insert()
-- a function, in DO
DO f_insert()
-- a function, for a variable
SET @n = f_insert()
-- a function, for a setting
SET SESSION max_join_size = 1000 + f_insert()
-- a function that swallows errors
SELECT f_trap()
-- a function in the condition
SELECT count(*) FROM u WHERE f_check(id) > 0
-- a function in the order
SELECT id FROM u ORDER BY f_check(id)
-- a function that is qualified
SELECT {database}.f_insert()
-- a function that is quoted
SELECT `f_insert` ( )
-- a view that calls a function
SELECT * FROM w_insert
-- a view that calls a function, as a table; MySQL only
TABLE w_insert
-- a function as a value of VALUES; MariaDB only
VALUES (f_insert())
-- a function as a row of VALUES; MySQL only
VALUES ROW(f_insert())
-- a function below SHOW
SHOW TABLES WHERE f_insert() = 1
-- a function as a limit of a query's rows
SELECT 1 FROM u GROUP BY f_check(id) LIMIT 1
-- ANALYZE of a write; MariaDB only
ANALYZE UPDATE t SET v = 'x'
-- ANALYZE of a write, as JSON; MariaDB only
ANALYZE FORMAT=JSON DELETE FROM t
-- EXPLAIN ANALYZE of what calls a function; MySQL only
EXPLAIN ANALYZE SELECT f_insert() FROM u
-- EXPLAIN of a derived table that calls a function; unseen: whether it is run is the planner's business
EXPLAIN SELECT * FROM (SELECT f_insert() AS n) x
-- a lock on rows; unseen: it is the server's own no
SELECT * FROM t FOR UPDATE
-- a lock on rows that does not wait; unseen: it is the server's own no
SELECT * FROM t FOR UPDATE SKIP LOCKED
-- a procedure
CALL p_insert()
-- a procedure without parentheses
CALL p_insert
-- a procedure that is qualified
CALL {database}.p_insert()
-- a procedure that swallows errors
CALL p_trap()
-- a table
CREATE TABLE made (id INT)
-- a table from a query
CREATE TABLE made AS SELECT 1 AS a
-- a table from a query, without AS
CREATE TABLE made SELECT * FROM t
-- a table like another
CREATE TABLE made LIKE t
-- the other way to say so
CREATE TABLE made (LIKE t)
-- a table, if there is none
CREATE TABLE IF NOT EXISTS made (id INT)
-- a table in place of another; MariaDB only
CREATE OR REPLACE TABLE t (id INT)
-- a temporary table; unseen: it is the session's own
CREATE TEMPORARY TABLE made (id INT)
-- a table with rows; MariaDB only
CREATE TABLE made (id INT) ENGINE=MyISAM SELECT 1 AS id
-- a sequence; MariaDB only
CREATE SEQUENCE made
-- an index
CREATE INDEX made ON t (v)
-- an index out
DROP INDEX by_v ON u
-- an invisible index; MySQL only
ALTER TABLE u ALTER INDEX by_v INVISIBLE
-- an ignored index; MariaDB only
ALTER TABLE u ALTER INDEX by_v IGNORED
-- a view
CREATE VIEW made AS SELECT 1
-- a view in place of another
CREATE OR REPLACE VIEW w AS SELECT 1
-- a view with an algorithm
CREATE ALGORITHM=MERGE SQL SECURITY INVOKER VIEW made AS SELECT * FROM t
-- another view
ALTER VIEW w AS SELECT 2
-- a view out
DROP VIEW w
-- a function made
CREATE FUNCTION made() RETURNS INT DETERMINISTIC RETURN 1
-- a function out
DROP FUNCTION f_read
-- a function changed
ALTER FUNCTION f_read COMMENT 'x'
-- a procedure made
CREATE PROCEDURE made() BEGIN SELECT 1; SELECT 2; END
-- a procedure changed
ALTER PROCEDURE p_read SQL SECURITY INVOKER
-- a procedure out
DROP PROCEDURE IF EXISTS p_read
-- a trigger
CREATE TRIGGER made BEFORE INSERT ON u FOR EACH ROW SET NEW.v = 'x'
-- a trigger out
DROP TRIGGER watched_log
-- an event
CREATE EVENT made ON SCHEDULE EVERY 1 DAY DO DELETE FROM t
-- an event that runs at once
CREATE EVENT made ON SCHEDULE AT CURRENT_TIMESTAMP ON COMPLETION PRESERVE DO DELETE FROM t
-- an event awake
ALTER EVENT e_insert ENABLE
-- an event out
DROP EVENT e_insert
-- a column
ALTER TABLE t ADD COLUMN made INT
-- a column at once; MySQL only
ALTER TABLE t ADD COLUMN made INT, ALGORITHM=INSTANT
-- a column while it is used; MariaDB only
ALTER ONLINE TABLE t ADD COLUMN made INT
-- a default
ALTER TABLE t ALTER COLUMN v SET DEFAULT 'x'
-- a comment
ALTER TABLE t COMMENT 'x'
-- another engine
ALTER TABLE u ENGINE=MyISAM
-- a counter
ALTER TABLE t AUTO_INCREMENT = 5000
-- keys off
ALTER TABLE myisam DISABLE KEYS
-- another name
ALTER TABLE u RENAME TO made
-- another name, said otherwise
RENAME TABLE u TO made
-- a partition out
ALTER TABLE parts DROP PARTITION p0
-- a partition emptied
ALTER TABLE parts TRUNCATE PARTITION p0
-- a partition exchanged
ALTER TABLE parts EXCHANGE PARTITION p0 WITH TABLE whole
-- its rows gone
ALTER TABLE u DISCARD TABLESPACE
-- a table out
DROP TABLE t
-- two tables out
DROP TABLE IF EXISTS child, parent CASCADE
-- a table that is not there out; unseen: nothing is there
DROP TABLE IF EXISTS nothing
-- a temporary table out; unseen: it is the session's own
DROP TEMPORARY TABLE IF EXISTS nothing
-- a sequence out; MariaDB only
DROP SEQUENCE s
-- a database
CREATE DATABASE shop_made
-- a schema
CREATE SCHEMA IF NOT EXISTS shop_made DEFAULT CHARACTER SET latin1
-- another character set
ALTER DATABASE {database} CHARACTER SET latin1
-- without the name
ALTER SCHEMA COLLATE utf8mb4_bin
-- a comment on the database; MariaDB only
ALTER DATABASE COMMENT 'x'
-- a schema that can only be read; MySQL only
ALTER SCHEMA {database} READ ONLY = 1
-- the database out
DROP DATABASE {database}
-- statistics
ANALYZE TABLE u
-- statistics, not in the log
ANALYZE NO_WRITE_TO_BINLOG TABLE u
-- statistics, locally
ANALYZE LOCAL TABLE u
-- statistics of a partition
ALTER TABLE parts ANALYZE PARTITION p0
-- statistics of everything; MariaDB only
ANALYZE TABLE u PERSISTENT FOR ALL
-- a histogram; MySQL only
ANALYZE TABLE u UPDATE HISTOGRAM ON v WITH 8 BUCKETS
-- an optimization
OPTIMIZE TABLE u
-- an optimization, locally; unseen: it has nothing to do
OPTIMIZE LOCAL TABLE myisam
-- a repair
REPAIR TABLE myisam QUICK
-- a rebuild
ALTER TABLE u FORCE
-- a check that may repair; unseen: it finds nothing
CHECK TABLE u FOR UPGRADE
-- rows of a file that the client has
LOAD DATA LOCAL INFILE 'rows' INTO TABLE whole
-- rows of a file that the client has, in XML
LOAD XML LOCAL INFILE 'rows' INTO TABLE csv ROWS IDENTIFIED BY '<row>'
-- a lock on a table; untold: it is gone when the session is
LOCK TABLES t WRITE
-- a lock that readers share; unseen: it is the session's own
LOCK TABLES t READ LOCAL
-- a lock, and rows
LOCK TABLES t WRITE, u READ
INSERT INTO t (v) VALUES ('x')
UNLOCK TABLES
-- a branch; MariaDB only
XA START 'made'
INSERT INTO t (v) VALUES ('x')
XA END 'made'
XA PREPARE 'made'
-- a branch of one phase
XA BEGIN 'made'
INSERT INTO t (v) VALUES ('x')
XA END 'made'
XA COMMIT 'made' ONE PHASE
-- an empty branch that is prepared; unseen: what is empty may be forgotten
XA START X'6d616465', 'q', 7
XA END X'6d616465', 'q', 7
XA PREPARE X'6d616465', 'q', 7
XA COMMIT X'6d616465', 'q', 7
-- a handler that is opened, and rows
HANDLER t OPEN
HANDLER t READ FIRST
INSERT INTO t (v) VALUES ('x')
HANDLER t CLOSE
-- a merged table
CREATE TABLE made (id INT NOT NULL, v VARCHAR(200), PRIMARY KEY (id)) ENGINE=MERGE UNION=(myisam) INSERT_METHOD=LAST
INSERT INTO made VALUES (70, 'x')
-- one password; unseen: it is the same as before
SET PASSWORD = ''
-- one's own password
ALTER USER CURRENT_USER() IDENTIFIED BY 'x'
ALTER USER CURRENT_USER() IDENTIFIED BY ''
-- a library; MySQL only
CREATE LIBRARY made LANGUAGE JAVASCRIPT AS 'export function f() { return 1 }'
-- a package; MariaDB only
SET sql_mode = 'ORACLE'
CREATE PACKAGE made AS PROCEDURE p(); END
-- spaces and comments
/**/INSERT/**/INTO -- x⏎ t (v) # y⏎ VALUES ('x')
-- in parentheses, a function
(SELECT f_insert())
-- a function below a union
SELECT 1 UNION SELECT f_insert()
-- a function in a variable's place
SELECT @a := f_insert()
-- a function in a condition that is always true
SELECT IF(1, f_insert(), 0)
-- a function below a subquery
SELECT (SELECT max(x) FROM (SELECT f_insert() AS x) y)
-- a function below EXISTS
SELECT EXISTS (SELECT 1 FROM u WHERE f_insert() = 1)
-- a function below a JSON table
SELECT * FROM JSON_TABLE(CONCAT('[', f_insert(), ']'), '$[*]' COLUMNS (n INT PATH '$')) j
