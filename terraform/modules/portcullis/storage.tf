resource "kubernetes_persistent_volume_claim_v1" "this" {
  count = var.enabled && var.storage_enabled ? 1 : 0

  # Most classes make the volume where the first pod is; waiting for it here would be waiting for ever.
  wait_until_bound = false

  metadata {
    name      = "portcullis-data"
    namespace = local.namespace
    labels    = local.labels
  }

  spec {
    access_modes       = [var.storage_access_mode]
    storage_class_name = var.storage_class == "" ? null : var.storage_class

    resources {
      requests = { storage = var.storage_size }
    }
  }

  depends_on = [kubernetes_namespace_v1.this]
}
