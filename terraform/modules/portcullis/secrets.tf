# Written, never read back: what is in them is in no plan and no state (`data_wo`).
locals {
  # base64url, as the tag's keys are written.
  auth_key          = replace(replace(trim(base64encode(var.auth_secret), "="), "+", "-"), "/", "_")
  previous_auth_key = replace(replace(trim(base64encode(var.previous_auth_secret), "="), "+", "-"), "/", "_")

  tag_keys = jsonencode({
    current = "r${var.secrets_revision}"
    keys = merge(
      { "r${var.secrets_revision}" = local.auth_key },
      var.previous_auth_secret == "" ? {} : { "r${var.secrets_revision - 1}" = local.previous_auth_key },
    )
  })
}

# One for each of the two that share it, in each one's namespace.
resource "kubernetes_secret_v1" "tag_keys" {
  for_each = var.enabled ? toset([local.namespace, var.kong_namespace]) : toset([])

  metadata {
    name      = "portcullis-tag-keys"
    namespace = each.value
    labels    = local.part
  }

  data_wo          = { "tag-keys.json" = local.tag_keys }
  data_wo_revision = var.secrets_revision

  depends_on = [kubernetes_namespace_v1.this, kubernetes_namespace_v1.kong]
}

resource "kubernetes_secret_v1" "provider_keys" {
  count = local.count

  metadata {
    name      = "llm-api-keys"
    namespace = local.namespace
    labels    = local.part
  }

  data_wo          = var.provider_keys
  data_wo_revision = var.secrets_revision

  depends_on = [kubernetes_namespace_v1.this]
}

resource "kubernetes_secret_v1" "redis" {
  count = local.count

  metadata {
    name      = "portcullis-redis"
    namespace = local.namespace
    labels    = local.part
  }

  data_wo          = { "url" = var.redis_url, "ca.crt" = var.redis_ca }
  data_wo_revision = var.secrets_revision

  depends_on = [kubernetes_namespace_v1.this]
}
