-- Rewrites a table that is being read: ids become bigint and every order gets a reference. Copies to a new table and
-- swaps the two. Nothing is written to the old one meanwhile (that is what the lull is for), so neither triggers nor a
-- second pass are needed.
-- `own` lines tell the demo which transactions are the migration's own: those of this connection, by their GTIDs where the
-- binary log does not name the connection (MariaDB, which alone reads what stands in its comments).
SET SESSION lock_wait_timeout = 5;

SELECT CONCAT('own ', CONNECTION_ID());
SELECT 'creating orders_new';
CREATE TABLE orders_new (
    id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    customer int NOT NULL,
    cents int NOT NULL,
    writer int,
    number int,
    reference char(36) CHARACTER SET ascii NOT NULL DEFAULT (UUID())
) ENGINE = InnoDB;
SELECT 'own' /*M!, @@last_gtid */;
SELECT 'copying every row';
INSERT INTO orders_new (id, customer, cents, writer, number)
SELECT id, customer, cents, writer, number FROM orders;
SELECT 'own' /*M!, @@last_gtid */;
SELECT 'building the index';
CREATE INDEX orders_customer ON orders_new (customer);
SELECT 'own' /*M!, @@last_gtid */;
SELECT 'swapping the tables';
RENAME TABLE orders TO orders_old, orders_new TO orders;
SELECT 'own' /*M!, @@last_gtid */;
