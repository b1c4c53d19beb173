SET SESSION sql_log_bin = OFF;
CREATE USER IF NOT EXISTS 'root'@'%';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'%' WITH GRANT OPTION;
CREATE USER IF NOT EXISTS 'app'@'%';
CREATE USER IF NOT EXISTS 'sha2'@'%' IDENTIFIED WITH caching_sha2_password BY 'sha2-secret';
CREATE USER IF NOT EXISTS 'sha256'@'%' IDENTIFIED WITH sha256_password BY 'sha256-secret';
CREATE USER IF NOT EXISTS 'replica'@'%' IDENTIFIED BY 'replica-secret';
GRANT ALL PRIVILEGES ON `shop\_%`.* TO 'app'@'%', 'sha2'@'%', 'sha256'@'%';
GRANT REPLICATION SLAVE ON *.* TO 'replica'@'%';
