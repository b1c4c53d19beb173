-- the session's setting
SET SESSION TRANSACTION READ WRITE
{write}
-- LOCAL is the same
set local transaction read write
{write}
-- with an isolation level
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE
{write}
-- in the other order
SET SESSION TRANSACTION READ WRITE, ISOLATION LEVEL SERIALIZABLE
{write}
-- the next transaction only
SET TRANSACTION READ WRITE
{write}
-- the next transaction only, with an isolation level
SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE
{write}
-- a variable
SET {read_only} = 0
{write}
-- a variable of the session
SET SESSION {read_only} = OFF
{write}
-- a local variable
SET LOCAL {read_only} := FALSE
{write}
-- with two signs
SET @@session.{read_only} = 0
{write}
-- with two signs, locally
SET @@local.`{read_only}` := 'off'
{write}
-- with two signs and no scope: the next transaction
SET @@{read_only} = 0
{write}
-- spaces around the dot
SET @@session . {read_only} = 0
{write}
-- in capitals
SET SESSION {READ_ONLY} = OFF
{write}
-- quoted
SET `{read_only}` = 0
{write}
-- computed
SET {read_only} = 1 - 1
{write}
-- computed by a query
SET {read_only} = (SELECT 0)
{write}
-- from a variable
SET @zero = 0
SET SESSION {read_only} = @zero
{write}
-- to the default
SET {read_only} = DEFAULT
{write}
-- to the server's
SET SESSION {read_only} = @@global.{read_only}
{write}
-- not the first of a list
SET @x = 1, SESSION {read_only} = 0, @y = 2
{write}
-- behind a setting without scope
SET SESSION sql_safe_updates = 0, {read_only} = 0
{write}
-- twice in one list
SET {read_only} = 1, {read_only} = 0
{write}
-- in a comment that is run
/*! SET SESSION TRANSACTION READ WRITE */
{write}
-- in a comment that is run from some version on
/*!40101 SET SESSION TRANSACTION READ WRITE */
{write}
-- in a comment that only MySQL runs; MySQL only
/*!80000 SET SESSION TRANSACTION READ WRITE */
{write}
-- in a comment that only MySQL runs, of six digits; MySQL only
/*!080000 SET SESSION TRANSACTION READ WRITE */
{write}
-- in a comment that only MariaDB runs; MariaDB only
/*M! SET SESSION TRANSACTION READ WRITE */
{write}
-- in a comment that only MariaDB runs, with a version; MariaDB only
/*M!100100 SET SESSION TRANSACTION READ WRITE */
{write}
-- half in a comment
SET SESSION /*!40101 TRANSACTION READ */ WRITE
{write}
-- behind what comments it out
SET SESSION TRANSACTION /* READ ONLY -- */ READ WRITE
{write}
-- across lines
SET -- x⏎ SESSION # y⏎ TRANSACTION/**/READ⏎WRITE
{write}
-- a transaction that may write
START TRANSACTION READ WRITE
{write}
COMMIT
-- with a snapshot
START TRANSACTION WITH CONSISTENT SNAPSHOT, READ WRITE
{write}
COMMIT
-- in the other order
START TRANSACTION READ WRITE, WITH CONSISTENT SNAPSHOT
{write}
COMMIT
-- in a comment that is run
START TRANSACTION /*!40101 READ WRITE */
{write}
COMMIT
-- a chain
START TRANSACTION READ WRITE
COMMIT AND CHAIN
{write}
COMMIT
-- a chain that was rolled back
START TRANSACTION READ WRITE
ROLLBACK AND CHAIN
{write}
COMMIT
-- a chain by setting
SET completion_type = CHAIN
START TRANSACTION READ WRITE
COMMIT
{write}
COMMIT
-- the same setting as a number
SET @@completion_type = 1
START TRANSACTION READ WRITE
COMMIT
{write}
COMMIT
-- a chain behind a one-shot
SET TRANSACTION READ WRITE
BEGIN
COMMIT AND CHAIN
{write}
COMMIT
-- a one-shot spent by a query's transaction
SET TRANSACTION READ WRITE
START TRANSACTION
{write}
COMMIT
-- without autocommit
SET autocommit = 0
SET TRANSACTION READ WRITE
{write}
COMMIT
-- without autocommit, lifted
SET autocommit = 0, SESSION {read_only} = 0
{write}
COMMIT
-- autocommit again
SET autocommit = 0
SET SESSION TRANSACTION READ WRITE
{write}
SET autocommit = 1
-- a savepoint
START TRANSACTION READ WRITE
SAVEPOINT a
ROLLBACK TO a
RELEASE SAVEPOINT a
{write}
COMMIT
-- for one statement; MariaDB only
SET STATEMENT {read_only} = 0 FOR {write}
-- for one statement, with others; MariaDB only
SET STATEMENT max_statement_time = 100, {read_only} = OFF FOR {write}
-- for one statement, in one statement; MariaDB only
SET STATEMENT sort_buffer_size = 100000 FOR SET STATEMENT {read_only} = 0 FOR {write}
-- for one statement that is prepared; MariaDB only
PREPARE q FROM 'SET STATEMENT {read_only} = 0 FOR {write:quoted}'
EXECUTE q
-- for one statement that is a procedure; MariaDB only
SET STATEMENT {read_only} = 0 FOR CALL p_insert()
-- for one statement that is DDL; MariaDB only
SET STATEMENT {read_only} = 0 FOR CREATE TABLE made (id INT)
-- a prepared lift
PREPARE q FROM 'SET SESSION TRANSACTION READ WRITE'
EXECUTE q
{write}
-- a prepared lift from a variable
SET @q = 'SET SESSION {read_only} = 0'
PREPARE q FROM @q
EXECUTE q
{write}
-- a prepared lift from an expression; MariaDB only
PREPARE q FROM CONCAT('SET SESSION TRANSACTION READ', ' WRITE')
EXECUTE q
{write}
-- a prepared lift with a parameter
PREPARE q FROM 'SET SESSION {read_only} = ?'
SET @zero = 0
EXECUTE q USING @zero
{write}
-- a prepared transaction; MariaDB only
PREPARE q FROM 'START TRANSACTION READ WRITE'
EXECUTE q
{write}
COMMIT
-- a prepared name in other words
PREPARE `Q` FROM 'SET SESSION TRANSACTION READ WRITE'
EXECUTE q
{write}
-- at once; MariaDB only
EXECUTE IMMEDIATE 'SET SESSION TRANSACTION READ WRITE'
{write}
-- at once, from an expression; MariaDB only
EXECUTE IMMEDIATE CONCAT('SET SESSION TRANSACTION READ', ' WRITE')
{write}
-- at once, with a parameter; MariaDB only
EXECUTE IMMEDIATE 'SET SESSION {read_only} = ?' USING 0
{write}
-- a string written in hexadecimal
SET @q = X'5345542053455353494F4E205452414E53414354494F4E2052454144205752495445'
PREPARE q FROM @q
EXECUTE q
{write}
-- in a block; MariaDB only
BEGIN NOT ATOMIC SET SESSION TRANSACTION READ WRITE; {write}; END
-- in a block with a transaction; MariaDB only
BEGIN NOT ATOMIC START TRANSACTION READ WRITE; {write}; COMMIT; END
-- in a condition; MariaDB only
IF 1 THEN SET SESSION TRANSACTION READ WRITE; END IF
{write}
-- in a loop; MariaDB only
FOR i IN 1..1 DO SET SESSION TRANSACTION READ WRITE; END FOR
{write}
-- in another loop; MariaDB only
WHILE @@{read_only} DO SET SESSION TRANSACTION READ WRITE; END WHILE
{write}
-- in a loop that repeats; MariaDB only
REPEAT SET SESSION TRANSACTION READ WRITE; UNTIL 1 END REPEAT
{write}
-- in a case; MariaDB only
CASE 1 WHEN 1 THEN SET SESSION TRANSACTION READ WRITE; END CASE
{write}
-- in a loop without end; MariaDB only
LOOP SET SESSION TRANSACTION READ WRITE; {write}; COMMIT RELEASE; END LOOP
-- a block as Oracle has it; MariaDB only
SET sql_mode = 'ORACLE'
BEGIN SET SESSION TRANSACTION READ WRITE; END
{write}
-- with declarations; MariaDB only
SET sql_mode = 'ORACLE'
DECLARE a INT := 1; BEGIN SET SESSION TRANSACTION READ WRITE; END
{write}
-- as Oracle has it, at once; MariaDB only
SET sql_mode = 'ORACLE'
EXECUTE IMMEDIATE 'BEGIN SET SESSION TRANSACTION READ WRITE; END'
{write}
-- a goto; MariaDB only
SET sql_mode = 'ORACLE'
BEGIN GOTO a; <<a>> SET SESSION TRANSACTION READ WRITE; END
{write}
-- a string that is a name
SET sql_mode = 'ANSI_QUOTES'
SET SESSION "{read_only}" = 0
{write}
-- a quote that is not escaped
SET sql_mode = 'NO_BACKSLASH_ESCAPES'
SET @x = '\', SESSION {read_only} = 0, @y = ''
{write}
-- a quote that is escaped
SET sql_mode = ''
SET @x = '\'', SESSION {read_only} = 0, @y = '\''
{write}
-- two names' quotes
SET @`a``, b` = 1, SESSION {read_only} = 0
{write}
-- the trackers off first
SET SESSION session_track_system_variables = ''
SET SESSION TRANSACTION READ WRITE
{write}
-- all trackers off first
SET SESSION session_track_system_variables = '', session_track_transaction_info = 'OFF', session_track_state_change = OFF, session_track_schema = OFF
SET SESSION {read_only} = 0
{write}
-- trackers of nothing, then one message
SET SESSION session_track_system_variables = NULL
START TRANSACTION READ WRITE
{write}
COMMIT
-- what the settings were, given back
SET @was = @@{read_only}
SET SESSION TRANSACTION READ WRITE
SET @is = @@{read_only}
{write}
-- another role's start; MySQL only
SET ROLE DEFAULT
SET SESSION TRANSACTION READ WRITE
{write}
-- locks that end a transaction
START TRANSACTION READ WRITE
UNLOCK TABLES
SET TRANSACTION READ WRITE
{write}
-- a use of the same database
SET TRANSACTION READ WRITE
USE {database}
{write}
-- nothing in between
SET TRANSACTION READ WRITE
DO 0
SET TRANSACTION READ WRITE
{write}
-- a comment that does not end; untold: the server does not run it
SET SESSION TRANSACTION READ WRITE /* x
{write}
-- a comment that is run and does not end; untold: the server does not run it
/*! SET SESSION TRANSACTION READ WRITE
{write}
-- DDL for a one-shot; untold: the server refuses it
SET TRANSACTION READ WRITE
CREATE TABLE made (id INT)
-- DDL behind a read-only transaction's end; MySQL only
SET SESSION TRANSACTION READ WRITE
START TRANSACTION READ ONLY
CREATE TABLE made (id INT)
-- a branch behind a one-shot
SET TRANSACTION READ WRITE
XA START 'x'
{write}
XA END 'x'
XA COMMIT 'x' ONE PHASE
-- a procedure of the server's own that runs a text; MySQL only
SET SESSION TRANSACTION READ WRITE
CALL p_insert()
