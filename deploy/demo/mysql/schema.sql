-- The shop's database as the demo finds it: orders with ids that are about to run out of integers.
-- Needs @orders. Not in the binary log, for nobody reads it there.
SET SESSION sql_log_bin = 0;
CREATE DATABASE shop;
USE shop;

CREATE TABLE orders (
    id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
    customer int NOT NULL,
    cents int NOT NULL,
    -- Who wrote the row, and which of its writes it was. Those of the beginning have neither.
    writer int,
    number int
) ENGINE = InnoDB;

INSERT INTO orders (id, customer, cents)
WITH digits AS (
    SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4
    UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9
), numbers AS (
    SELECT 1 + a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n + 100000 * f.n AS n
    FROM digits a, digits b, digits c, digits d, digits e, digits f
)
SELECT n, n % 50000, n % 9973 FROM numbers WHERE n <= @orders ORDER BY n;

CREATE INDEX orders_customer ON orders (customer);
ANALYZE TABLE orders;
