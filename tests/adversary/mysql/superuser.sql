-- a file
SELECT * FROM t INTO OUTFILE '{outside}/made'
-- a file of one value
SELECT v FROM t LIMIT 1 INTO DUMPFILE '{outside}/made'
-- a file in the middle
SELECT * INTO OUTFILE '{outside}/made' FROM t
-- a file of a table; MySQL only
TABLE t INTO OUTFILE '{outside}/made'
-- a file below a union
SELECT 1 UNION SELECT 2 INTO OUTFILE '{outside}/made'
-- a file of a CTE
WITH a AS (SELECT 1 AS b) SELECT * FROM a INTO OUTFILE '{outside}/made'
-- a file of parentheses
(SELECT 1) INTO OUTFILE '{outside}/made'
-- a file of values; MySQL only
VALUES ROW(1) INTO OUTFILE '{outside}/made'
-- a file with comments
SELECT 1 INTO/**/OUTFILE/**/'{outside}/made'
-- a file in a comment that is run
SELECT 1 /*!40000 INTO OUTFILE '{outside}/made' */
-- rows from a file
LOAD DATA INFILE '{rows}' INTO TABLE whole
-- rows from a file, not in order
LOAD DATA CONCURRENT INFILE '{rows}' IGNORE INTO TABLE whole
-- a setting of the server
SET GLOBAL max_connections = 1400
-- with two signs
SET @@global.max_connections = 1400
-- among others
SET @x = 1, GLOBAL max_connections = 1400
-- with two signs, among others
SET SESSION sort_buffer_size = 100000, @@GLOBAL . max_connections := 1400
-- the guard of new sessions
SET GLOBAL {read_only} = 1
-- the guard of new sessions, as a transaction's
SET GLOBAL TRANSACTION READ ONLY
-- for ever; MySQL only
SET PERSIST max_connections = 1400
-- for ever, later; MySQL only
SET PERSIST_ONLY max_connections = 1400
-- for ever, with two signs; MySQL only
SET @@persist.max_connections = 1400
-- for ever, later, with two signs; MySQL only
SET @@persist_only.max_connections = 1400
-- not for ever; MySQL only
RESET PERSIST
-- one not for ever; MySQL only
RESET PERSIST IF EXISTS sort_buffer_size
-- a key cache; unseen: it is in memory
SET GLOBAL hot.key_buffer_size = 1000000
-- a dump of the buffer pool; unseen: it writes in the background
SET GLOBAL innodb_buffer_pool_dump_now = ON
-- the server can only be read
SET GLOBAL read_only = ON
-- the log is written
SET GLOBAL general_log = ON
-- where the log is written
SET GLOBAL general_log_file = '{outside}/made'
-- events run
SET GLOBAL event_scheduler = OFF
-- modes of new sessions
SET GLOBAL sql_mode = 'ANSI'
-- another binary log
FLUSH BINARY LOGS
-- other logs
FLUSH LOGS
-- not in the log; unseen: tables are opened again
FLUSH LOCAL TABLES
-- not in the log, in other words; unseen: tables are opened again
FLUSH NO_WRITE_TO_BINLOG TABLES
-- tables
FLUSH TABLES
-- one table
FLUSH TABLE t
-- privileges
FLUSH PRIVILEGES
-- counters
FLUSH STATUS
-- a lock on everything
FLUSH TABLES WITH READ LOCK
-- a lock on one table
FLUSH TABLES t WITH READ LOCK
-- a table for export
FLUSH TABLES u FOR EXPORT
-- hosts; MariaDB only
FLUSH HOSTS
-- costs; MySQL only
FLUSH OPTIMIZER_COSTS
-- the binary log forgotten
{reset_binary_logs}
-- the replica forgotten; unseen: there is none
{reset_replica}
-- the binary log purged
FLUSH BINARY LOGS
PURGE BINARY LOGS BEFORE '2099-01-01'
-- another session
KILL {victim}
-- another session, in more words
KILL CONNECTION {victim}
-- another session, computed
KILL ({victim} + 0)
-- another session, hard; MariaDB only
KILL HARD CONNECTION {victim}
-- all sessions of a user; MariaDB only
KILL USER victim
-- a source
{change_source}
-- a replica that starts; untold: it has no source
{start_replica}
-- a replica that stops; untold: there is none
{stop_replica}
-- a filter; MySQL only
CHANGE REPLICATION FILTER REPLICATE_DO_DB = (shop_made)
-- the position of replication; MySQL only
SET gtid_next = 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:1'
BEGIN
COMMIT
SET gtid_next = 'AUTOMATIC'
-- the position of replication, of the server; MySQL only
SET GLOBAL gtid_purged = '+aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:2'
-- the position of the replica; untold: the server's own log is in its way; MariaDB only
SET GLOBAL gtid_slave_pos = '1-1-1'
-- an event of the binary log; untold: it needs a whole event
BINLOG 'AAAAAA=='
-- a format, then an event; untold: what the server makes of it
{format_description}
-- an index cache; unseen: it is in memory
CACHE INDEX myisam IN hot
-- an index loaded; unseen: it only reads
LOAD INDEX INTO CACHE myisam
-- an account
CREATE USER made IDENTIFIED BY 'x'
-- an account by its rights; MariaDB only
GRANT SELECT ON {database}.* TO made IDENTIFIED BY 'x'
-- an account changed
ALTER USER app IDENTIFIED BY 'x'
-- an account locked
ALTER USER app ACCOUNT LOCK
-- an account's name
RENAME USER app TO made
-- an account out
DROP USER app
-- a role
CREATE ROLE made
-- a role given
GRANT part TO app
-- a role taken
REVOKE part FROM has_part
-- a role out
DROP ROLE part
-- a role by default; MySQL only
SET DEFAULT ROLE ALL TO has_part
-- a role by default; MariaDB only
SET DEFAULT ROLE part FOR has_part
-- a role by default, in other words; MySQL only
ALTER USER has_part DEFAULT ROLE ALL
-- a right
GRANT SELECT ON *.* TO app
-- a right taken
REVOKE ALL PRIVILEGES ON `shop\_%`.* FROM app
-- all rights taken
REVOKE ALL PRIVILEGES, GRANT OPTION FROM app
-- a proxy
GRANT PROXY ON root TO app
-- a password
SET PASSWORD FOR app = {password}
-- a password by itself; MySQL only
SET PASSWORD FOR app TO RANDOM
-- a row of the accounts
{update_accounts}
-- a row of the servers
INSERT INTO mysql.servers VALUES ('made', '127.0.0.1', 'x', 'x', 'x', 1, '', 'mysql', '')
-- a server
CREATE SERVER made FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1', DATABASE 'x')
-- a server changed
ALTER SERVER there OPTIONS (HOST '127.0.0.2')
-- a server out
DROP SERVER there
-- a plugin
{install_plugin}
-- a plugin out
{uninstall_plugin}
-- a component; MySQL only
INSTALL COMPONENT 'file://component_log_sink_json'
-- a component out; MySQL only
UNINSTALL COMPONENT 'file://component_query_attributes'
-- a clone; MySQL only
CLONE LOCAL DATA DIRECTORY = '{outside}/made'
-- a restart; untold: the server would end
RESTART
-- a shutdown; untold: the server would end
SHUTDOWN
-- a shutdown in a comment that is run; untold: the server would end
/*!50709 SHUTDOWN */
-- a lock on the instance; MySQL only
LOCK INSTANCE FOR BACKUP
-- a backup's stages; MariaDB only
BACKUP STAGE START
BACKUP STAGE BLOCK_COMMIT
-- a backup's lock; unseen: other locks than this are looked for; MariaDB only
BACKUP LOCK t
-- an instance's key; unseen: TLS is loaded again as it is; MySQL only
ALTER INSTANCE RELOAD TLS
-- the redo log off; MySQL only
ALTER INSTANCE DISABLE INNODB REDO_LOG
-- a tablespace; MySQL only
CREATE TABLESPACE made ADD DATAFILE 'made.ibd'
-- an undo tablespace; MySQL only
CREATE UNDO TABLESPACE made ADD DATAFILE 'made.ibu'
-- a reference system; MySQL only
CREATE SPATIAL REFERENCE SYSTEM 4120000 NAME 'made' DEFINITION 'GEOGCS["made",DATUM["made",SPHEROID["made",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.017453292519943278],AXIS["Lon",EAST],AXIS["Lat",NORTH]]'
-- a resource group; MySQL only
CREATE RESOURCE GROUP made TYPE = USER
-- a resource group out; untold: there are only the server's own; MySQL only
DROP RESOURCE GROUP USR_default
-- instruments off
UPDATE performance_schema.setup_instruments SET enabled = 'NO'
-- consumers on
UPDATE performance_schema.setup_consumers SET enabled = 'YES'
-- actors out
DELETE FROM performance_schema.setup_actors
-- objects out
TRUNCATE performance_schema.setup_objects
-- objects in
INSERT INTO performance_schema.setup_objects VALUES ('TABLE', 'made', '%', 'YES', 'YES')
-- the configuration of sys
UPDATE sys.sys_config SET value = '1'
-- a procedure of the server's own that runs a text; MySQL only
CALL sys.execute_prepared_stmt('INSERT INTO {database}.t (v) VALUES (1)')
-- a procedure of the server's own that runs a lift; MySQL only
CALL sys.execute_prepared_stmt('SET SESSION TRANSACTION READ WRITE')
INSERT INTO t (v) VALUES ('x')
-- a procedure of the server's own that makes a database
CALL sys.create_synonym_db('{database}', 'shop_made')
-- a procedure of the server's own that switches consumers off
CALL sys.ps_setup_disable_consumer('statement')
-- a procedure of the server's own that switches instruments off
CALL sys.ps_setup_disable_instrument('statement')
-- a procedure of the server's own that forgets; untold: it forgets counts
CALL sys.ps_truncate_all_tables(false)
-- counts forgotten; unseen: it forgets counts
TRUNCATE performance_schema.events_statements_summary_by_digest
-- a clock; unseen: it is the session's own
SET timestamp = 1
-- the log for this session off
SET sql_log_bin = 0
INSERT INTO t (v) VALUES ('x')
-- another's identity; MariaDB only
SET @@session.server_id = 77, @@session.gtid_domain_id = 7
INSERT INTO t (v) VALUES ('x')
-- rights past the guard; MariaDB only
SET SESSION TRANSACTION READ WRITE
SET GLOBAL read_only = ON
INSERT INTO t (v) VALUES ('x')
-- an account behind a lift
SET SESSION TRANSACTION READ WRITE
CREATE USER made
-- the general log's table emptied
TRUNCATE mysql.general_log
INSERT INTO t (v) VALUES ('x')
-- a table of the server's own
CREATE TABLE mysql.made (id INT)
-- help changed; MySQL only
UPDATE mysql.help_topic SET url = 'x' LIMIT 1
-- statistics written by hand
DELETE FROM mysql.innodb_table_stats
-- statistics of columns; MariaDB only
REPLACE INTO mysql.column_stats (db_name, table_name, column_name) VALUES ('x', 'x', 'x')
-- a time zone
INSERT INTO mysql.time_zone_name VALUES ('made', 1)
-- a function from a library; untold: there is no such library
CREATE FUNCTION made RETURNS STRING SONAME 'made.so'
-- a row of the functions; unseen: it may not be written by hand
INSERT INTO mysql.func VALUES ('made', 0, 'made.so', 'function')
-- an import; untold: it needs a file; MySQL only
IMPORT TABLE FROM '{outside}/*.sdi'
-- the files of another table; MariaDB only
CREATE TABLE made (id INT) DATA DIRECTORY = '{outside}'
-- a restart of counters; unseen: they are not looked at
FLUSH LOCAL STATUS
