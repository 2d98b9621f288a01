-- Run once, when the disk is empty. The password is in no argument: `ps` shows them.
\set ON_ERROR_STOP on
\set password `tr -d '\n' </run/portcullis/password/password`
CREATE ROLE portcullis LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE DATABASE portcullis OWNER portcullis;
REVOKE CONNECT ON DATABASE portcullis FROM PUBLIC;
