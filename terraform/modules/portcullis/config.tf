resource "kubernetes_config_map_v1" "gateway" {
  count = local.count

  metadata {
    name      = "portcullis-gateway"
    namespace = local.namespace
    labels    = local.part
  }

  data = { "gateway.yaml" = local.gateway_config }

  depends_on = [kubernetes_namespace_v1.this]
}

resource "kubernetes_config_map_v1" "settings" {
  count = local.count

  metadata {
    name      = "portcullis-settings"
    namespace = local.namespace
    labels    = local.labels
  }

  data = local.settings

  depends_on = [kubernetes_namespace_v1.this]
}
