-- the default, in every spelling, and then a write
SET default_transaction_read_only = off
{write}
-- SESSION, with a number
SET SESSION default_transaction_read_only TO 0
{write}
-- a quoted name
SET "default_transaction_read_only" TO 'no'
{write}
-- a quoted name with capitals and an escape
SET U&"DEFAULT\005ftransaction_read_only" TO F
{write}
-- DEFAULT
SET default_transaction_read_only TO DEFAULT
{write}
-- comments and odd white space between the tokens
SET/**/SESSION--x⏎default_transaction_read_only = off
{write}
-- RESET
RESET default_transaction_read_only
{write}
-- RESET ALL, as pools send it
RESET ALL
{write}
-- DISCARD ALL, as pools send it
DISCARD ALL
{write}
-- characteristics
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE
{write}
-- the last mode wins
SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY, READ WRITE
{write}
-- an isolation level hides the word READ
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE
{write}
-- LOCAL TRANSACTION is TRANSACTION
BEGIN
SET LOCAL TRANSACTION READ WRITE
{write}
COMMIT
-- SESSION TRANSACTION is TRANSACTION
BEGIN
SET SESSION TRANSACTION READ WRITE
{write}
COMMIT
-- set_config in a query
SELECT set_config('default_transaction_read_only', 'off', false)
{write}
-- set_config with a computed name
SELECT set_config('default_' || 'transaction_read_only', 'off', false)
{write}
-- set_config in a CTE
WITH x AS (SELECT set_config('default_transaction_read_only', 'off', false)) SELECT * FROM x
{write}
-- set_config inside COPY
COPY (SELECT set_config('default_transaction_read_only', 'off', false)) TO STDOUT
{write}
-- set_config inside EXPLAIN ANALYZE
EXPLAIN ANALYZE SELECT set_config('default_transaction_read_only', 'off', false)
{write}
-- set_config in a cursor
BEGIN
DECLARE c CURSOR WITH HOLD FOR SELECT set_config('default_transaction_read_only', 'off', false)
FETCH c
COMMIT
{write}
-- set_config in a prepared statement
PREPARE p AS SELECT set_config('default_transaction_read_only', 'off', false)
EXECUTE p
{write}
-- set_config with NULL resets, up to 15 at any time
SELECT set_config('transaction_read_only', NULL, true), f_insert()
-- the same with a computed name
SELECT set_config('transaction_' || 'read_only', NULL, true), f_insert()
-- the same in a transaction that has read
BEGIN
SELECT 1
SELECT set_config('transaction_read_only', NULL, true)
{write}
COMMIT
-- up to 15, RESET works at any time
BEGIN
SELECT 1
RESET transaction_read_only
{write}
COMMIT
-- and inside a savepoint
BEGIN
SELECT 1
SAVEPOINT a
RESET transaction_read_only
{write}
RELEASE a
COMMIT
-- and out of a savepoint; untold: what was reset in it is undone with it
BEGIN
SELECT 1
SAVEPOINT a
RESET transaction_read_only
RELEASE a
{write}
COMMIT
-- and as SET TO DEFAULT
BEGIN
SELECT 1
SET transaction_read_only TO DEFAULT
{write}
COMMIT
-- BEGIN READ WRITE
BEGIN READ WRITE
{write}
COMMIT
-- START TRANSACTION, comma
START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE
{write}
COMMIT
-- last wins
BEGIN READ ONLY READ WRITE
{write}
COMMIT
-- a second BEGIN in an open transaction is only a warning
BEGIN READ ONLY
BEGIN READ WRITE
{write}
COMMIT
-- SET TRANSACTION before the first snapshot
BEGIN
SHOW server_version
SET TRANSACTION READ WRITE
{write}
COMMIT
-- LOCK takes no snapshot
BEGIN
LOCK TABLE t IN ACCESS SHARE MODE
SET TRANSACTION READ WRITE
{write}
COMMIT
-- SAVEPOINT and RELEASE take no snapshot
BEGIN
SAVEPOINT a
RELEASE a
SET transaction_read_only = off
{write}
COMMIT
-- reasserted inside a savepoint, undone with it
BEGIN
SET TRANSACTION READ WRITE
SAVEPOINT a
SELECT 1
ROLLBACK TO a
{write}
COMMIT
-- lifted and put into a savepoint
BEGIN READ WRITE
SAVEPOINT a
RELEASE a
{write}
COMMIT
-- AND CHAIN begins a transaction without a snapshot
BEGIN
SELECT 1
COMMIT AND CHAIN
SET TRANSACTION READ WRITE
{write}
COMMIT
-- ROLLBACK AND CHAIN
BEGIN READ WRITE
ROLLBACK AND CHAIN
{write}
COMMIT
-- chained out of a savepoint
BEGIN READ WRITE
SAVEPOINT a
ROLLBACK AND CHAIN
{write}
COMMIT
-- chained out of a failed one; untold: that goes by the session's default
BEGIN READ WRITE
SELECT 1/0
ROLLBACK AND CHAIN
{write}
COMMIT
-- a snapshot of another
BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE
{write}
COMMIT
-- DO with the setting
DO $$ BEGIN SET default_transaction_read_only = off; END $$
{write}
-- DO with COMMIT and a write
DO $$ BEGIN COMMIT; SET TRANSACTION READ WRITE; INSERT INTO t VALUES (901, 'do'); END $$
-- DO with ROLLBACK
DO $$ BEGIN ROLLBACK; SET TRANSACTION READ WRITE; INSERT INTO t VALUES (902, 'do'); COMMIT; END $$
-- DO with set_config
DO $$ BEGIN PERFORM set_config('default_transaction_read_only', 'off', false); COMMIT; INSERT INTO t VALUES (903, 'do'); END $$
-- DO with dynamic SQL
DO $$ BEGIN EXECUTE 'SET default_' || 'transaction_read_only = off'; END $$
{write}
-- DO with EXPLAIN ANALYZE
DO $$ DECLARE line text; BEGIN FOR line IN EXPLAIN ANALYZE CREATE TABLE made AS SELECT 1 LOOP END LOOP; END $$
-- DO with RESET
DO $$ BEGIN RESET transaction_read_only; INSERT INTO t VALUES (904, 'do'); END $$
-- DO inside a block
BEGIN
DO $$ BEGIN RESET transaction_read_only; INSERT INTO t VALUES (905, 'do'); END $$
COMMIT
-- DO, the language first, in quotes
DO LANGUAGE "plpgsql" 'BEGIN RESET transaction_read_only; INSERT INTO t VALUES (906, ''do''); END'
-- CALL with COMMIT and a lift
CALL p_lift()
-- CALL behind a lift
BEGIN READ WRITE
CALL p_insert()
COMMIT
-- a function that is folded while planning
BEGIN READ WRITE
EXPLAIN SELECT f_constant()
COMMIT
-- a default role; untold: no role brings settings along
SET ROLE NONE
SET SESSION AUTHORIZATION DEFAULT
{write}
-- a role and back; untold: no role brings settings along
RESET ROLE
RESET SESSION AUTHORIZATION
{write}
-- a database's own default
BEGIN READ WRITE
ALTER ROLE CURRENT_USER SET default_transaction_read_only = off
COMMIT
-- backslashes, if strings do not conform
SET standard_conforming_strings = off
SELECT '\'', 1; SET default_transaction_read_only = off; COMMIT; {write}; --'
-- the same, where the quote goes on; untold: it is one string
SET standard_conforming_strings = off
SELECT '\'; SET default_transaction_read_only = off; --'
{write}
-- and if they do
SET standard_conforming_strings = on
SELECT '\'; SET default_transaction_read_only = off; COMMIT; {write}; --'
-- a dollar in a name
SELECT 1 AS a$x$; SET default_transaction_read_only = off; COMMIT; {write}; --$x$
-- comments that nest
SELECT /* /* */ 1; */ 2; SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE; COMMIT; {write}
-- a semicolon in a name
SELECT 1 AS "a;b"; SET default_transaction_read_only TO off; COMMIT; {write}
