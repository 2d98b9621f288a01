resource "kubernetes_service_v1" "this" {
  count = local.count

  metadata {
    name      = local.name
    namespace = local.namespace
    labels    = local.labels
  }

  spec {
    selector = local.selector

    port {
      name        = "http"
      port        = 8081
      target_port = "http"
    }
  }

  lifecycle {
    # configs/kong adds what Kong has to know of it: timeouts, TLS, health checks.
    ignore_changes = [metadata[0].annotations]
  }

  depends_on = [kubernetes_namespace_v1.this]
}

# For Prometheus, which asks each pod: also the one that is not ready, or drains. Kong has no route to it.
resource "kubernetes_service_v1" "management" {
  count = local.count

  metadata {
    name      = "${local.name}-management"
    namespace = local.namespace
    labels    = merge(local.labels, { "app.kubernetes.io/component" = "management" })
  }

  spec {
    cluster_ip                  = "None"
    publish_not_ready_addresses = true
    selector                    = local.selector

    port {
      name        = "management"
      port        = 8082
      target_port = "management"
    }
  }

  depends_on = [kubernetes_namespace_v1.this]
}

# An ingress can only send to a Service of its own namespace; this is Kong's, by name.
resource "kubernetes_service_v1" "kong" {
  count = var.enabled && local.through_kong ? 1 : 0

  metadata {
    name      = "portcullis-kong"
    namespace = local.namespace
    labels    = local.part
  }

  spec {
    type          = "ExternalName"
    external_name = "${var.kong_proxy_service}.${var.kong_namespace}.svc.cluster.local"

    port {
      name        = "https"
      port        = 443
      target_port = "443"
    }
  }

  depends_on = [kubernetes_namespace_v1.this]
}
