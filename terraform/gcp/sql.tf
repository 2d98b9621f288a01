# PostgreSQL for tenants, keys and receipts: an address in our network only, TLS only, and no password: the backend's
# service account is its user.
resource "google_sql_database_instance" "this" {
  #checkov:skip=CKV_GCP_6:TLS is required; who it is, IAM says and not a client's certificate
  #checkov:skip=CKV_GCP_108:All its clients are pods, whose addresses have no names
  #checkov:skip=CKV2_GCP_13:Query Insights has the durations, without a line in the log for each
  count = var.sql_enabled ? 1 : 0

  name                = var.cluster_name
  region              = var.region
  database_version    = "POSTGRES_18"
  encryption_key_name = one(local.kms_keys)
  deletion_protection = var.deletion_protection

  settings {
    edition                     = "ENTERPRISE"
    tier                        = var.sql_tier
    availability_type           = var.sql_availability
    disk_type                   = "PD_SSD"
    disk_autoresize             = true
    deletion_protection_enabled = var.deletion_protection
    retain_backups_on_delete    = true
    user_labels                 = local.labels

    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.this.id
      ssl_mode        = "ENCRYPTED_ONLY"
      server_ca_mode  = "GOOGLE_MANAGED_CAS_CA"
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
      location                       = var.region
      start_time                     = "02:00"
      transaction_log_retention_days = 7

      backup_retention_settings {
        retained_backups = 30
      }
    }

    maintenance_window {
      day          = 7
      hour         = 3
      update_track = "stable"
    }

    insights_config {
      query_insights_enabled  = true
      record_application_tags = true
      # Addresses of callers are personal data.
      record_client_address = false
    }

    password_validation_policy {
      enable_password_policy      = true
      min_length                  = 24
      complexity                  = "COMPLEXITY_DEFAULT"
      disallow_username_substring = true
    }

    # Statements stay out of the log but for what changes the schema: they may hold what a receipt must not.
    database_flags {
      name  = "cloudsql.iam_authentication"
      value = "on"
    }

    database_flags {
      name  = "cloudsql.enable_pgaudit"
      value = "on"
    }

    database_flags {
      name  = "pgaudit.log"
      value = "ddl,role"
    }

    database_flags {
      name  = "log_checkpoints"
      value = "on"
    }

    database_flags {
      name  = "log_connections"
      value = "on"
    }

    database_flags {
      name  = "log_disconnections"
      value = "on"
    }

    database_flags {
      name  = "log_lock_waits"
      value = "on"
    }

    database_flags {
      name  = "log_temp_files"
      value = "0"
    }

    database_flags {
      name  = "log_min_duration_statement"
      value = "-1"
    }

    database_flags {
      name  = "log_min_error_statement"
      value = "error"
    }

    database_flags {
      name  = "log_min_messages"
      value = "warning"
    }

    database_flags {
      name  = "log_statement"
      value = "ddl"
    }
  }

  depends_on = [google_service_networking_connection.services]
}

resource "google_sql_database" "this" {
  count = var.sql_enabled ? 1 : 0

  name     = "portcullis"
  instance = google_sql_database_instance.this[0].name
  # Goes with its instance, which is protected.
  deletion_policy = "ABANDON"
}

resource "google_sql_user" "backend" {
  count = var.sql_enabled ? 1 : 0

  name            = trimsuffix(google_service_account.backend.email, ".gserviceaccount.com")
  instance        = google_sql_database_instance.this[0].name
  type            = "CLOUD_IAM_SERVICE_ACCOUNT"
  deletion_policy = "ABANDON"
}
