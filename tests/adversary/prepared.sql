-- prepared by the same role
COMMIT PREPARED 'of app'
-- prepared by the same role, taken back
ROLLBACK PREPARED 'of app'
-- in odd spelling
COMMIT/**/PREPARED--x⏎$$of app$$
-- with escapes
commit prepared U&'of\0020app'
-- with other escapes
ROLLBACK PREPARED E'of\x20app'
-- with a continued string
COMMIT PREPARED 'of'⏎' app'
-- prepared by a superuser
COMMIT PREPARED 'of postgres'
-- prepared by a superuser, taken back
ROLLBACK PREPARED 'of postgres'
-- behind a lift
SET default_transaction_read_only = off
COMMIT PREPARED 'of app'
-- behind a reset
DISCARD ALL
ROLLBACK PREPARED 'of app'
-- behind an empty transaction
BEGIN READ WRITE
COMMIT
COMMIT PREPARED 'of app'
