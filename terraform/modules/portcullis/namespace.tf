resource "kubernetes_namespace_v1" "this" {
  count = var.enabled && var.create_namespace ? 1 : 0

  metadata {
    name = local.namespace
    labels = merge(local.part, {
      "pod-security.kubernetes.io/enforce"         = "restricted"
      "pod-security.kubernetes.io/enforce-version" = "latest"
      "pod-security.kubernetes.io/warn"            = "restricted"
      "pod-security.kubernetes.io/warn-version"    = "latest"
      "pod-security.kubernetes.io/audit"           = "restricted"
      "pod-security.kubernetes.io/audit-version"   = "latest"
    })
  }
}

# Kong reads the key of the tag at its start: the Secret has to be there before its chart is installed.
resource "kubernetes_namespace_v1" "kong" {
  count = var.enabled && var.create_kong_namespace ? 1 : 0

  metadata {
    name   = var.kong_namespace
    labels = local.part
  }
}

# For the cloud's identity only: nothing here talks to Kubernetes' API.
resource "kubernetes_service_account_v1" "this" {
  count = local.count

  automount_service_account_token = false

  metadata {
    name        = local.name
    namespace   = local.namespace
    labels      = local.labels
    annotations = var.service_account_annotations
  }

  depends_on = [kubernetes_namespace_v1.this]
}
