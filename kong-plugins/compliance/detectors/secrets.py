"""Credentials: keys of clouds and services by their published prefixes, private keys, tokens, passwords in
URLs."""

from __future__ import annotations

from typing import Final

from compliance.detectors.checks import looks_random, real_password_in_url
from compliance.detectors.rule import Rule

_SCHEMES: Final = (
    rb"(?:postgres(?:ql)?|mysql|mariadb|mssql|sqlserver|oracle|mongodb|redis|rediss|valkey|amqps?|kafka"
    rb"|nats|ldaps?|smtps?|imaps?|ftps?|sftp|ssh|https?|clickhouse|cassandra|neo4j|bolt|cockroachdb"
    rb"|snowflake)"
)

LONG: Final = (
    Rule(
        "password-in-url",
        "secret",
        rb"(?i)\b" + _SCHEMES + rb"(?:\+[a-z0-9]{1,20})?://[^\s:/@]{0,64}:[^\s/@\"'<>]{2,90}@",
        0.9,
        real_password_in_url,
    ),
    Rule(
        "labelled-secret",
        "secret",
        rb"(?i)(?:api[_ -]?key|secret|token|passw(?:or)?d|passphrase)[\"'\s]{0,3}[=:|]\s{0,3}[\"']?"
        rb"[a-z0-9_+/.!@#%^&*-]{16,128}",
        0.7,
        looks_random,
    ),
    Rule(
        "password-in-connection-string",
        "secret",
        rb"(?i)\b(?:password|pwd)\s?=\s?[^;\s\"'<>${*]{4,100};",
        0.8,
        context=rb"(?i)\b(?:server|data source|host|user id|uid|database|initial catalog)\s?=",
    ),
    Rule(
        "aws-secret-key",
        "secret",
        rb"(?i)secret[_ -]?(?:access[_ -]?)?key[^a-z0-9]{1,8}[a-z0-9/+]{40}(?:[^a-z0-9/+]|$)",
        0.9,
        looks_random,
    ),
    Rule("azure-key", "secret", rb"(?i)\b(?:account|sharedaccess)key=[a-z0-9+/]{40,120}={1,2}", 0.98),
    Rule(
        "jwt",
        "secret",
        rb"\beyJ(?:[A-Za-z0-9_-]{10,150}\.eyJ[A-Za-z0-9_-]{10}|(?:hbGciOi|0eXAiOi|raWQiOi)[A-Za-z0-9_-]{12})",
        0.98,
    ),
    Rule(
        "slack-webhook",
        "secret",
        rb"hooks\.slack\.com/(?:services|workflows)/T[A-Z0-9]{6,14}/[A-Z0-9]{6,14}/[A-Za-z0-9]{16}",
        0.98,
    ),
)
TOKENS: Final = (
    Rule("aws-access-key", "secret", rb"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b", 0.98),
    Rule("google-api-key", "secret", rb"\bAIza[0-9A-Za-z_-]{35}", 0.98),
    Rule(
        "google-oauth",
        "secret",
        rb"\b(?:ya29\.[0-9A-Za-z_-]{20}|GOCSPX-[0-9A-Za-z_-]{28}|1//0[0-9A-Za-z_-]{30})",
        0.98,
    ),
    Rule("github-token", "secret", rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22})", 0.98),
    Rule("gitlab-token", "secret", rb"\bgl(?:pat|ptt|dt|rt|cbt)-[A-Za-z0-9_-]{20}", 0.98),
    Rule("slack-token", "secret", rb"\bxox[abeoprs]-[A-Za-z0-9-]{10}|\bxapp-\d-[A-Z0-9]{8}", 0.98),
    Rule(
        "openai-key",
        "secret",
        rb"\bsk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20}|[A-Za-z0-9]{20}T3BlbkFJ|[A-Za-z0-9]{40})",
        0.9,
    ),
    Rule("anthropic-key", "secret", rb"\bsk-ant-[A-Za-z0-9_-]{20}", 0.98),
    Rule("groq-key", "secret", rb"\bgsk_[A-Za-z0-9]{40}", 0.98),
    Rule("huggingface-token", "secret", rb"\bhf_[A-Za-z0-9]{30}", 0.98),
    Rule("stripe-key", "secret", rb"\b(?:[sr]k_live_[A-Za-z0-9]{16}|whsec_[A-Za-z0-9]{24})", 0.98),
    Rule("sendgrid-key", "secret", rb"\bSG\.[A-Za-z0-9_-]{20,24}\.[A-Za-z0-9_-]{39}", 0.98),
    Rule("npm-token", "secret", rb"\bnpm_[A-Za-z0-9]{36}", 0.98),
    Rule("pypi-token", "secret", rb"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{20}", 0.98),
    Rule("vault-token", "secret", rb"\bhv[sbr]\.[A-Za-z0-9_-]{24}", 0.98),
    Rule("databricks-token", "secret", rb"\bdapi[a-f0-9]{32}", 0.98),
    Rule("digitalocean-token", "secret", rb"\bdo[opr]_v1_[a-f0-9]{64}", 0.98),
    Rule("private-key", "secret", rb"-----BEGIN (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----", 0.98),
)
