locals {
  count     = var.enabled ? 1 : 0
  name      = "portcullis-backend"
  namespace = var.namespace
  selector  = { "app.kubernetes.io/name" = local.name }
  part      = merge(var.labels, { "app.kubernetes.io/part-of" = "portcullis" })
  labels    = merge(local.part, local.selector)

  image = startswith(var.image_tag, "sha256:") ? "${var.image}@${var.image_tag}" : "${var.image}:${var.image_tag}"

  gateway_config = coalesce(var.gateway_config, file("${path.module}/../../../configs/gateway/gateway.yaml"))

  tls = var.backend_tls_secret != ""

  # The same as configs/kubernetes/base has; a test holds them equal.
  settings = merge(
    {
      PORTCULLIS_CONFIG          = "/run/portcullis/gateway/gateway.yaml"
      PORTCULLIS_TAG_KEYS_FILE   = "/run/portcullis/tag/tag-keys.json"
      PORTCULLIS_CREDENTIALS_DIR = "/run/portcullis/credentials"
      PORTCULLIS_HOST            = "0.0.0.0"
      PORTCULLIS_PORT            = "8081"
      PORTCULLIS_MANAGEMENT_PORT = "8082"
      SSL_CERT_FILE              = "/run/portcullis/authorities/bundle.crt"
      # Until Kong and the endpoints know that this pod ends, it serves what still comes.
      PORTCULLIS_DRAIN_DELAY_S = "15"
    },
    local.tls ? {
      PORTCULLIS_TLS_CERT_FILE = "/run/portcullis/tls/tls.crt"
      PORTCULLIS_TLS_KEY_FILE  = "/run/portcullis/tls/tls.key"
    } : {},
    var.settings,
  )

  # A volume for one node holds all replicas on that node.
  one_node = var.storage_enabled && var.storage_access_mode == "ReadWriteOnce"
}
