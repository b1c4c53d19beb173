-- The shop's database as the demo finds it: orders with ids that are about to run out of integers.
-- psql variables: orders, app_password, migrator_password.
\set ON_ERROR_STOP on

CREATE ROLE migrator LOGIN PASSWORD :'migrator_password';
CREATE ROLE app LOGIN PASSWORD :'app_password';
CREATE DATABASE shop OWNER migrator;
\connect shop
SET ROLE migrator;

BEGIN;
CREATE TABLE orders (
    id serial,
    customer integer NOT NULL,
    cents integer NOT NULL,
    -- Who wrote the row, and which of its writes it was. Those of the beginning have neither.
    writer integer,
    number integer
);
INSERT INTO orders (customer, cents)
SELECT n % 50000, n % 9973 FROM generate_series(1, :orders) AS n ORDER BY n;
ALTER TABLE orders ADD PRIMARY KEY (id);
CREATE INDEX orders_customer ON orders (customer);
GRANT SELECT, INSERT, UPDATE, DELETE ON orders TO app;
GRANT USAGE ON SEQUENCE orders_id_seq TO app;
COMMIT;
RESET ROLE;
ANALYZE orders;
