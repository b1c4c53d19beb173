-- committed
XA COMMIT 'of app'
-- taken back
XA ROLLBACK 'of app'
-- in other words
xa/**/commit X'6f6620617070'
-- with its parts
XA COMMIT 'of app', '', 1
-- in a comment that is run
/*! XA COMMIT 'of app' */
-- one phase, which MySQL takes for another's branch too; MySQL only
XA COMMIT 'of app' ONE PHASE
-- behind a lift
SET SESSION TRANSACTION READ WRITE
XA COMMIT 'of app'
-- behind a transaction
START TRANSACTION READ WRITE
COMMIT
XA ROLLBACK 'of app'
