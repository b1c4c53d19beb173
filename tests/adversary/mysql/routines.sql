-- a lift in a function; MariaDB only
SELECT f_lift()
{write}
-- a lift in a function, for a variable; MariaDB only
SET @a = f_lift()
{write}
-- a lift in a view; MariaDB only
SELECT * FROM w_lift
{write}
-- a lift in a procedure
CALL p_lift()
{write}
-- a procedure that ends its transaction
CALL p_commit()
-- a procedure that begins another
CALL p_start()
-- a procedure that lifts once
CALL p_once()
-- a procedure that calls another
CALL p_outer()
-- a procedure that runs what it is told
CALL p_dynamic('SET SESSION TRANSACTION READ WRITE')
{write}
-- a procedure that sets a variable
CALL p_variable()
-- a procedure of somebody with more rights
CALL p_definer()
-- a function of somebody with more rights
SELECT f_definer()
-- a procedure that swallows errors and goes on
CALL p_trap_lift()
-- a procedure that is quoted
CALL `p_lift`()
{write}
-- a procedure in other letters
CALL P_LIFT
{write}
-- a procedure in a comment that is run
/*! CALL p_start() */
-- a procedure that takes a lock
CALL p_file()
-- a procedure with a cursor
CALL p_cursor()
-- a package; MariaDB only
CALL pack.lift()
{write}
-- a package's function; MariaDB only
SELECT pack.f_lift()
{write}
-- a trigger of an allowed temporary table; MariaDB only
SELECT f_chain()
{write}
-- a default that calls; MariaDB only
SELECT DEFAULT(n) FROM lifts
{write}
