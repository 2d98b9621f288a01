# What stands around the cluster, and the names that deploy.sh reads.

mock_provider "google" {
  source = "./tests/mocks/google"
}

mock_provider "google" {
  alias  = "budget"
  source = "./tests/mocks/google"
}

mock_provider "google-beta" {
  source = "./tests/mocks/google-beta"
}

variables {
  project_id = "portcullis-test"
}

run "store_has_no_cluster_mode_and_is_guarded" {
  assert {
    condition     = google_memorystore_instance.this.mode == "CLUSTER_DISABLED" && google_memorystore_instance.this.shard_count == 1
    error_message = "Kong's rate limiting needs cluster mode disabled"
  }

  assert {
    condition     = google_memorystore_instance.this.transit_encryption_mode == "SERVER_AUTHENTICATION" && google_memorystore_instance.this.authorization_mode == "TOKEN_AUTH"
    error_message = "TLS, and a token"
  }

  assert {
    condition     = google_memorystore_instance.this.engine_configs["maxmemory-policy"] == "noeviction"
    error_message = "a budget is never pushed out"
  }
}

run "database_has_no_public_address_and_no_password" {
  assert {
    condition = (
      !google_sql_database_instance.this[0].settings[0].ip_configuration[0].ipv4_enabled &&
      google_sql_database_instance.this[0].settings[0].ip_configuration[0].ssl_mode == "ENCRYPTED_ONLY" &&
      google_sql_database_instance.this[0].settings[0].backup_configuration[0].enabled &&
      google_sql_database_instance.this[0].settings[0].backup_configuration[0].point_in_time_recovery_enabled
    )
    error_message = "private, TLS only, with backups"
  }

  assert {
    condition     = google_sql_user.backend[0].type == "CLOUD_IAM_SERVICE_ACCOUNT" && google_sql_user.backend[0].name == "portcullis-some@portcullis-test.iam"
    error_message = "the backend's service account is the user, named as PostgreSQL takes it"
  }
}

run "what_has_state_is_protected" {
  assert {
    condition = alltrue(concat(
      [
        google_container_cluster.this.deletion_protection,
        google_memorystore_instance.this.deletion_protection_enabled,
        google_sql_database_instance.this[0].deletion_protection,
        google_sql_database_instance.this[0].settings[0].deletion_protection_enabled,
      ],
      [for secret in google_secret_manager_secret.this : secret.deletion_protection],
    ))
    error_message = "nothing of it can be destroyed without saying so first"
  }
}

run "protection_can_be_lifted_to_destroy" {
  variables {
    deletion_protection = false
  }

  assert {
    condition     = !google_container_cluster.this.deletion_protection && !google_memorystore_instance.this.deletion_protection_enabled
    error_message = "one variable lifts it"
  }
}

run "backend_may_ask_models_and_no_more" {
  assert {
    condition     = google_project_iam_custom_role.model_caller.permissions == toset(["aiplatform.endpoints.predict"])
    error_message = "asking a model is one permission"
  }

  assert {
    condition     = google_service_account_iam_member.backend.member == "serviceAccount:portcullis-test.svc.id.goog[portcullis/portcullis-backend]"
    error_message = "only the backend's account in its namespace"
  }
}

run "egress_is_named_and_the_rest_denied" {
  assert {
    condition     = one(google_compute_firewall.providers_out.allow).ports == tolist(["443"]) && one(google_compute_firewall.deny_out.deny).protocol == "all"
    error_message = "443 out, and nothing else"
  }

  assert {
    condition     = google_compute_firewall.deny_out.priority > google_compute_firewall.providers_out.priority && google_compute_firewall.deny_in.priority > google_compute_firewall.webhooks_in.priority
    error_message = "what is denied comes after what is allowed"
  }
}

run "names_that_deploy_sh_reads" {
  assert {
    condition = (
      output.project_id == "portcullis-test" &&
      output.region == "us-central1" &&
      output.cluster_name == "portcullis" &&
      output.cluster_location == "us-central1" &&
      output.artifact_registry == "us-central1-docker.pkg.dev/portcullis-test/portcullis" &&
      output.gateway_address == "203.0.113.10" &&
      output.gateway_address_name == "portcullis-gateway" &&
      output.domain == ""
    )
    error_message = "the names that deploy.sh reads"
  }

  assert {
    condition     = output.redis_host == "10.10.16.3" && output.redis_port == 6379
    error_message = "the store's primary, not its reader"
  }

  assert {
    condition     = output.redis_auth_secret == "portcullis-redis-auth" && output.redis_ca_secret == "portcullis-redis-ca"
    error_message = "the store's secrets"
  }

  assert {
    condition     = keys(output.secret_ids) == ["clinic-jwt", "demo-jwt", "llm-api-keys", "redis-auth", "redis-ca", "tag-keys"]
    error_message = "one secret for each thing, and one a tenant"
  }

  assert {
    condition     = google_secret_manager_secret_version.redis_ca.secret_data == "first certificate\nsecond certificate"
    error_message = "all certificates of the store's authority, the next one too"
  }
}

run "without_a_domain_there_is_no_zone" {
  assert {
    condition     = length(google_dns_managed_zone.this) + length(google_dns_record_set.gateway) + length(google_monitoring_uptime_check_config.gateway) == 0
    error_message = "no domain, no zone, no record, no check of its address"
  }
}

run "with_a_domain_its_names_lead_to_the_gateway" {
  variables {
    domain              = "ai.example.com"
    managed_certificate = true
  }

  assert {
    condition = keys(google_dns_record_set.gateway) == [
      "admin.ai.example.com", "ai.example.com", "api.ai.example.com", "console.ai.example.com", "gateway.ai.example.com"
    ]
    error_message = "the domain and its four names"
  }

  assert {
    condition     = alltrue([for record in google_dns_record_set.gateway : record.rrdatas == tolist(["203.0.113.10"])])
    error_message = "all lead to Kong's address"
  }

  assert {
    condition     = google_dns_managed_zone.this[0].dnssec_config[0].state == "on" && google_certificate_manager_certificate.this[0].managed[0].domains == tolist(["ai.example.com", "*.ai.example.com"])
    error_message = "signed, and a certificate for all of it"
  }

  assert {
    condition     = contains(keys(google_monitoring_alert_policy.this), "uptime")
    error_message = "its address is watched from outside"
  }
}

run "a_zone_that_is_there_is_used" {
  variables {
    domain   = "ai.example.com"
    dns_zone = "company"
  }

  assert {
    condition     = length(google_dns_managed_zone.this) == 0 && google_dns_record_set.gateway["ai.example.com"].managed_zone == "company"
    error_message = "no second zone"
  }
}

run "alarms_reach_somebody" {
  variables {
    alert_email = "ops@example.com"
    budget_usd  = 750
  }

  assert {
    condition     = google_monitoring_notification_channel.email[0].labels["email_address"] == "ops@example.com" && alltrue([for alarm in google_monitoring_alert_policy.this : length(alarm.notification_channels) == 1])
    error_message = "every alarm goes to the address"
  }

  assert {
    condition     = google_billing_budget.this[0].amount[0].specified_amount[0].units == "750" && length(google_billing_budget.this[0].all_updates_rule[0].monitoring_notification_channels) == 1
    error_message = "so does the budget's"
  }
}

run "no_budget_no_database_when_not_wanted" {
  variables {
    budget_usd  = 0
    sql_enabled = false
  }

  assert {
    condition     = length(google_billing_budget.this) + length(google_sql_database_instance.this) + length(google_service_networking_connection.services) == 0
    error_message = "what is turned off is not there"
  }

  assert {
    condition     = output.sql_connection_name == "" && !contains(keys(google_monitoring_alert_policy.this), "sql-disk")
    error_message = "and nothing points to it"
  }
}

run "external_secrets_reads_the_gateway_s_secrets" {
  variables {
    external_secrets = true
  }

  assert {
    condition     = keys(google_secret_manager_secret_iam_member.external_secrets) == keys(output.secret_ids) && alltrue([for grant in google_secret_manager_secret_iam_member.external_secrets : grant.role == "roles/secretmanager.secretAccessor"])
    error_message = "each of them, to be read, and no other"
  }
}

run "workflows_sign_on_without_a_key" {
  variables {
    github_repository = "portcullis-gateway/portcullis"
  }

  assert {
    condition     = strcontains(google_iam_workload_identity_pool_provider.github[0].attribute_condition, "assertion.repository == \"portcullis-gateway/portcullis\"")
    error_message = "of every workflow on GitHub, only this repository's"
  }

  assert {
    condition     = google_artifact_registry_repository_iam_member.ci[0].role == "roles/artifactregistry.writer"
    error_message = "it may push, and no more"
  }
}

run "audit_logs_are_kept_and_can_be_locked" {
  variables {
    audit_lock           = true
    audit_retention_days = 2190
  }

  assert {
    condition     = google_logging_project_bucket_config.audit.locked && google_logging_project_bucket_config.audit.retention_days == 2190
    error_message = "six years, and nobody can shorten it"
  }

  assert {
    condition     = google_logging_project_bucket_config.gateway.retention_days == 90
    error_message = "the gateway's own logs have their own time"
  }
}
