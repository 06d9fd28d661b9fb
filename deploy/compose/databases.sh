# Run once by PostgreSQL's image, after it has made the database of the consumers: the database of
# the schemas, and for Grafana somebody who can only read.
psql --set ON_ERROR_STOP=1 --set password="$POSTGRES_PASSWORD" --username "$POSTGRES_USER" <<'SQL'
CREATE ROLE registry LOGIN PASSWORD :'password';
CREATE DATABASE registry OWNER registry;
CREATE ROLE grafana LOGIN PASSWORD :'password';
ALTER ROLE grafana SET jit = off;
GRANT USAGE ON SCHEMA public TO grafana;
ALTER DEFAULT PRIVILEGES FOR ROLE chargewire IN SCHEMA public GRANT SELECT ON TABLES TO grafana;
SQL
