# The shared store: limits, budgets, cache and health. Valkey without cluster mode, which Kong's rate limiting and
# scripts over several keys need.
resource "google_memorystore_instance" "this" {
  provider = google-beta

  instance_id    = var.cluster_name
  location       = var.region
  mode           = "CLUSTER_DISABLED"
  shard_count    = 1
  replica_count  = var.redis_replicas
  node_type      = var.redis_node_type
  engine_version = "VALKEY_8_0"
  kms_key        = one(local.kms_keys)

  # By token: IAM's own passwords end after an hour, which Kong cannot follow. Google draws the token and it never
  # comes here; deploy.sh puts it into Secret Manager.
  authorization_mode          = "TOKEN_AUTH"
  transit_encryption_mode     = "SERVER_AUTHENTICATION"
  deletion_protection_enabled = var.deletion_protection

  # A budget that was pushed out would be a budget that is whole again: better to refuse.
  engine_configs = {
    maxmemory-policy = "noeviction"
  }

  desired_auto_created_endpoints {
    network    = google_compute_network.this.id
    project_id = var.project_id
  }

  persistence_config {
    mode = "AOF"

    aof_config {
      append_fsync = "EVERY_SEC"
    }
  }

  automated_backup_config {
    retention = "604800s"

    fixed_frequency_schedule {
      start_time {
        hours = 3
      }
    }
  }

  maintenance_policy {
    weekly_maintenance_window {
      day = "SUNDAY"

      start_time {
        hours   = 3
        minutes = 0
        seconds = 0
        nanos   = 0
      }
    }
  }

  depends_on = [google_network_connectivity_service_connection_policy.memorystore]
}

locals {
  redis_endpoints = flatten([
    for endpoint in google_memorystore_instance.this.endpoints : [
      for connection in endpoint.connections : connection.psc_auto_connection
    ]
  ])
  redis_primary = one([
    for connection in local.redis_endpoints : connection
    if connection.connection_type == "CONNECTION_TYPE_PRIMARY"
  ])
  redis_authorities = flatten([
    for authority in google_memorystore_instance.this.managed_server_ca : [
      for chain in authority.ca_certs : chain.certificates
    ]
  ])
}

# What the store's certificate is checked against. No secret, but it is read where the token is.
resource "google_secret_manager_secret_version" "redis_ca" {
  secret      = google_secret_manager_secret.this["redis-ca"].id
  secret_data = join("\n", local.redis_authorities)
}
