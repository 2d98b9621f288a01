# external-secrets brings the secrets into the cluster where Argo CD does what deploy.sh does elsewhere.
resource "aws_iam_role" "external_secrets" {
  count = var.external_secrets ? 1 : 0

  name               = "${var.cluster_name}-external-secrets"
  assume_role_policy = local.trust["external-secrets:external-secrets"]
}

# Of the account's secrets, the gateway's.
resource "aws_iam_role_policy" "external_secrets" {
  count = var.external_secrets ? 1 : 0

  name = "read-secrets"
  role = aws_iam_role.external_secrets[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
        Resource = [for name in sort(local.secrets) : aws_secretsmanager_secret.this[name].arn]
      },
      {
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = aws_kms_key.this.arn
      },
    ]
  })
}
