resource "kubernetes_pod_disruption_budget_v1" "this" {
  count = local.count

  metadata {
    name      = local.name
    namespace = local.namespace
    labels    = local.labels
  }

  spec {
    max_unavailable = "1"

    selector {
      match_labels = local.selector
    }
  }

  depends_on = [kubernetes_namespace_v1.this]
}
