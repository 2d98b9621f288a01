# Who may come in. The first denies everybody, the second lets in who is asked for.
resource "kubernetes_network_policy_v1" "deny" {
  count = var.enabled && var.network_policies ? 1 : 0

  metadata {
    name      = "default-deny-ingress"
    namespace = local.namespace
    labels    = local.part
  }

  spec {
    policy_types = ["Ingress"]

    pod_selector {}
  }

  depends_on = [kubernetes_namespace_v1.this]
}

resource "kubernetes_network_policy_v1" "backend" {
  count = var.enabled && var.network_policies ? 1 : 0

  metadata {
    name      = local.name
    namespace = local.namespace
    labels    = local.labels
  }

  spec {
    policy_types = ["Ingress"]

    pod_selector {
      match_labels = local.selector
    }

    ingress {
      from {
        namespace_selector {
          match_labels = { "kubernetes.io/metadata.name" = var.kong_namespace }
        }

        pod_selector {
          match_labels = { "app.kubernetes.io/name" = "kong" }
        }
      }

      ports {
        protocol = "TCP"
        port     = "8081"
      }
    }

    # Probes come from the node, which a policy does not stop.
    ingress {
      from {
        namespace_selector {
          match_labels = { "kubernetes.io/metadata.name" = "monitoring" }
        }

        pod_selector {
          match_labels = { "app.kubernetes.io/name" = "prometheus" }
        }
      }

      ports {
        protocol = "TCP"
        port     = "8082"
      }
    }
  }

  depends_on = [kubernetes_namespace_v1.this]
}
