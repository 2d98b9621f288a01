# Only the containers; but for the store's token, what is in them is put there from a pipe.
locals {
  secrets = toset(concat(
    ["llm-api-keys", "tag-keys", "redis-auth"],
    [for tenant in var.tenants : "${tenant}-jwt"],
  ))
}

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:Providers' keys and tenants' credentials are rotated by who issues them; the guide says how
  for_each = local.secrets

  name                    = "${var.cluster_name}-${each.value}"
  description             = "Portcullis: ${each.value}"
  kms_key_id              = aws_kms_key.this.arn
  recovery_window_in_days = var.deletion_protection ? 30 : 0
}
