# Only the containers. What is in them is added by deploy.sh, from a pipe: it is in no plan, no state and no file.
locals {
  secrets = toset(concat(
    ["llm-api-keys", "tag-keys", "redis-auth", "redis-ca"],
    [for tenant in var.tenants : "${tenant}-jwt"],
  ))
}

resource "google_secret_manager_secret" "this" {
  for_each = local.secrets

  secret_id           = "${var.cluster_name}-${each.value}"
  deletion_protection = var.deletion_protection
  # A version that was destroyed by mistake can be had back for a day.
  version_destroy_ttl = "86400s"

  # They stay in the region.
  replication {
    user_managed {
      replicas {
        location = var.region

        dynamic "customer_managed_encryption" {
          for_each = local.kms_keys

          content {
            kms_key_name = customer_managed_encryption.value
          }
        }
      }
    }
  }

  depends_on = [google_project_service.this]
}
