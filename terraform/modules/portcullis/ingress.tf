# gateway.DOMAIN leads to Kong, which asks every request for its token. The console's three lead to the console, behind
# oauth2-proxy. Certificates are made by cert-manager by an annotation: a Certificate as a kubernetes_manifest would
# need the cluster, and cert-manager in it, at the first plan already.
locals {
  # With Kong as the cluster's own ingress, configs/kong has the gateway's routes.
  through_kong = var.domain != "" && var.ingress_class != "kong"

  admin_emails = [for email in split(",", var.admin_emails) : trimspace(email) if trimspace(email) != ""]

  sign_on = {
    "nginx.ingress.kubernetes.io/auth-signin"           = "https://${var.oauth2_proxy_host}/oauth2/start?rd=$scheme://$host$escaped_request_uri"
    "nginx.ingress.kubernetes.io/auth-url"              = "https://${var.oauth2_proxy_host}/oauth2/auth"
    "nginx.ingress.kubernetes.io/auth-response-headers" = "X-Auth-Request-User,X-Auth-Request-Email"
  }

  console = { service = var.console_service.name, port = var.console_service.port }

  ingresses = merge(
    local.through_kong ? {
      gateway = {
        service = "portcullis-kong"
        port    = 443
        annotations = {
          "nginx.ingress.kubernetes.io/backend-protocol"      = "HTTPS"
          "nginx.ingress.kubernetes.io/proxy-ssl-server-name" = "on"
          "nginx.ingress.kubernetes.io/proxy-ssl-name"        = "gateway.${var.domain}"
          # As Kong has it: bodies of 20 MB, streams of 600 s that arrive as they come, and no second try.
          "nginx.ingress.kubernetes.io/proxy-body-size"     = "20m"
          "nginx.ingress.kubernetes.io/proxy-buffering"     = "off"
          "nginx.ingress.kubernetes.io/proxy-read-timeout"  = "610"
          "nginx.ingress.kubernetes.io/proxy-send-timeout"  = "610"
          "nginx.ingress.kubernetes.io/proxy-next-upstream" = "off"
        }
      }
    } : {},
    var.console_enabled ? {
      api     = merge(local.console, { annotations = local.sign_on })
      console = merge(local.console, { annotations = local.sign_on })
    } : {},
    var.console_enabled && length(local.admin_emails) > 0 ? {
      admin = merge(local.console, {
        annotations = merge(local.sign_on, {
          "nginx.ingress.kubernetes.io/auth-url" = "https://${var.oauth2_proxy_host}/oauth2/auth?allowed_emails=${join(",", local.admin_emails)}"
        })
      })
    } : {},
  )
}

resource "kubernetes_ingress_v1" "this" {
  for_each = var.enabled ? local.ingresses : {}

  metadata {
    name      = "portcullis-${each.key}"
    namespace = local.namespace
    labels    = local.part
    annotations = merge(
      each.value.annotations,
      var.tls_enabled ? { "nginx.ingress.kubernetes.io/ssl-redirect" = "true" } : {},
      var.tls_enabled && var.cluster_issuer != "" ? { "cert-manager.io/cluster-issuer" = var.cluster_issuer } : {},
      var.ingress_annotations,
    )
  }

  spec {
    ingress_class_name = var.ingress_class

    dynamic "tls" {
      for_each = var.tls_enabled ? [1] : []

      content {
        hosts       = ["${each.key}.${var.domain}"]
        secret_name = "portcullis-${each.key}-tls"
      }
    }

    rule {
      host = "${each.key}.${var.domain}"

      http {
        path {
          path      = "/"
          path_type = "Prefix"

          backend {
            service {
              name = each.value.service

              port {
                number = each.value.port
              }
            }
          }
        }
      }
    }
  }

  lifecycle {
    precondition {
      condition     = each.key == "gateway" || var.ingress_class == "nginx"
      error_message = "The console's sign-on is written for ingress-nginx: with another class it would be open."
    }
  }

  depends_on = [kubernetes_namespace_v1.this]
}
